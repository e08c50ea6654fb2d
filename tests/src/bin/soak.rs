//! Goes round every kind of hostile plugin and every hostile model, over and over, and looks whether the host grows: `soak [--rounds N] [--from M]
//! [--most-kib K] [--most-steady-kib K]`. A round is a bad call and a good one of each kind, a plugin accepted anew, a file that is no plugin, and a model that is none.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use overt_runtime::{Manifest, PluginFile, Role};
use overt_tests::hostile::{Hostile, backend, model_file, packed};
use overt_tests::kinds;
use overt_tests::models::{self, HostileModel};
use overt_vision::{Backend, Budget, Tensor};

/// What the command line asks for.
struct Options {
    rounds: usize,
    from: usize,
    most_kib: u64,
    /// Limit of the steady growth, beside that of the difference of the ends.
    most_steady_kib: u64,
}

fn options() -> Option<Options> {
    let mut options = Options {
        rounds: 1_000,
        from: 100,
        most_kib: 4 << 10,
        most_steady_kib: 4 << 10,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let number = arguments.next()?.parse().ok()?;
        match argument.as_str() {
            "--rounds" => options.rounds = number as usize,
            "--from" => options.from = number as usize,
            "--most-kib" => options.most_kib = number,
            "--most-steady-kib" => options.most_steady_kib = number,
            _ => return None,
        }
    }
    (0 < options.from && options.from < options.rounds).then_some(options)
}

/// Kilobytes of memory that this process has in use. What was freed and the allocator keeps for the next is given back first: it comes and goes by
/// tens of megabytes after the largest models, and would hide what is never freed.
fn resident() -> u64 {
    unsafe extern "C" {
        fn malloc_trim(keep: usize) -> i32;
    }
    // SAFETY: a function of the C library that takes a number and touches free memory alone.
    unsafe { malloc_trim(0) };
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.unwrap().parse().unwrap()
}

/// Kilobytes by which memory grows over the rounds if each is as most are: the median of what the rounds add, times the rounds. What every round leaves behind is in
/// it; a step of the allocator's, wherever it lies, is not.
fn steady(samples: &[u64]) -> i64 {
    let mut added: Vec<i64> = samples
        .windows(2)
        .map(|pair| pair[1] as i64 - pair[0] as i64)
        .collect();
    added.sort_unstable();
    let median = added.get(added.len() / 2).copied().unwrap_or(0);
    median * (samples.len() as i64 - 1)
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        eprintln!("usage: soak [--rounds N] [--from M] [--most-kib K] [--most-steady-kib K]");
        return ExitCode::from(2);
    };
    let compiler = std::env::current_exe().unwrap().with_file_name("compile");
    let compiler = compiler.to_str().unwrap().to_owned();
    let accept = |kind: &kinds::Kind| {
        Hostile::accept(&compiler, kind.role, kind.behaviour, kinds::limits(kind))
    };
    let kinds = kinds::all();
    let mut plugins: Vec<Hostile> = kinds.iter().map(accept).collect();
    // A plugin that is accepted takes a place in the engine's pool that none has used, of which up to 256 KiB stay in use, until there is none left.
    let accept_anew = || {
        for role in [Role::Detector, Role::MatcherPolicy] {
            let kind = kinds.iter().find(|kind| kind.role == role);
            drop(kind.map(accept));
        }
    };
    for _ in 0..300 {
        accept_anew();
    }
    let models = models::all();
    let backend = backend();
    let mut wrong = 0u64;
    let (mut samples, started) = (Vec::new(), Instant::now());
    println!(
        "{} kinds of hostile plugin, {} hostile models, {} rounds",
        kinds.len(),
        models.len(),
        options.rounds
    );
    for round in 1..=options.rounds {
        for (kind, plugin) in kinds.iter().zip(&mut plugins) {
            let outcome = kinds::call(plugin, kind);
            if kinds::ending(&outcome) != kind.ends {
                wrong += 1;
                eprintln!("round {round}: {kind:?}: {outcome:?}");
            }
        }
        accept_anew();
        refuse_files(round);
        // All of them in the first rounds: what the largest leave behind in the allocator, once or twice, is no growth.
        let turn = round % models.len();
        let due = if round <= 5 {
            &models[..]
        } else {
            &models[turn..=turn]
        };
        due.iter().for_each(|model| run(&backend, model));
        if round >= options.from {
            samples.push(resident());
        }
        if round == options.from || round % (options.rounds / 10).max(1) == 0 {
            println!(
                "round {round:>5}  {:>7} KiB  {:>6.1} s",
                resident(),
                started.elapsed().as_secs_f64()
            );
        }
    }
    let (first, last) = (samples[0], samples[samples.len() - 1]);
    let grown = last as i64 - first as i64;
    let steady = steady(&samples);
    println!();
    println!("memory at round {:<6} {first:>8} KiB", options.from);
    println!("memory at round {:<6} {last:>8} KiB", options.rounds);
    println!(
        "growth                 {grown:>8} KiB, at most {} KiB",
        options.most_kib
    );
    println!(
        "steady growth          {steady:>8} KiB, at most {} KiB",
        options.most_steady_kib
    );
    println!(
        "calls                  {:>8}",
        2 * kinds.len() * options.rounds
    );
    println!("that ended otherwise   {wrong:>8}");
    let level = grown <= options.most_kib as i64 && steady <= options.most_steady_kib as i64;
    match wrong == 0 && level {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Loads a hostile model and runs it, as far as that goes.
fn run(backend: &dyn Backend, model: &HostileModel) {
    let one = Tensor::from_values(&[1], &[1.0], &Budget::unlimited()).unwrap();
    if let Ok((_, file)) = model_file(&model.bytes)
        && let Ok(mut session) = backend.load(&file, 64 << 20)
    {
        let deadline = Instant::now() + Duration::from_millis(4);
        let _ = session.run(&[&one], &Budget::new(1 << 20), Some(deadline));
    }
}

/// Files that no host takes in: a plugin that was cut, and a manifest that is none.
fn refuse_files(round: usize) {
    let file = packed("hostile-decision");
    let bytes = file.bytes();
    let cut = bytes[..bytes.len() * (round % 97) / 97].to_vec();
    assert!(PluginFile::from_bytes(file.path(), cut).is_err());
    let text = file.manifest_text().replace("matcher-policy", "matcher");
    assert!(Manifest::parse(text.as_bytes()).is_err());
}

#[cfg(test)]
mod tests {
    use super::steady;

    #[test]
    fn a_step_is_no_steady_growth_and_a_little_in_every_round_is() {
        let level = [100; 31];
        assert_eq!(steady(&level), 0);
        let stepped: Vec<u64> = (0..31)
            .map(|round| if round < 15 { 100 } else { 20_000 })
            .collect();
        assert_eq!(steady(&stepped), 0);
        let leaking: Vec<u64> = (0..31).map(|round| 100 + 700 * round).collect();
        assert_eq!(steady(&leaking), 21_000);
        // A leak beside a step is a leak.
        let both: Vec<u64> = leaking
            .iter()
            .zip(&stepped)
            .map(|(one, other)| one + other)
            .collect();
        assert_eq!(steady(&both), 21_000);
    }
}
