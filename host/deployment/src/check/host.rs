//! `[host]` and `[retention]`: the machine's part, and how long it keeps what.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::words;
use crate::deployment::{Backend, Confine, Device, Host, Precision, Retention, RunReport};
use crate::files::NamedFile;
use crate::limits;
use crate::reader::{At, Notes, Table, Value};

const BACKENDS: [(&str, Backend); 2] = [
    ("onnxruntime", Backend::OnnxRuntime),
    ("openvino", Backend::OpenVino),
];
const PRECISIONS: [(&str, Precision); 2] = [("f32", Precision::F32), ("bf16", Precision::Bf16)];
const REPORTS: [(&str, RunReport); 2] =
    [("numbers", RunReport::Numbers), ("faces", RunReport::Faces)];
const CONFINE: [(&str, Confine); 2] = [
    ("possible", Confine::Possible),
    ("required", Confine::Required),
];

pub(super) fn host(table: Table<'_, '_>, files: &RefCell<Vec<NamedFile>>) -> Option<Host> {
    let notes = table.notes();
    let workers = table.integer("workers", limits::WORKERS.range());
    let device = table
        .find("device")
        .map_or(Some(Device::Cpu), |value| device(value, notes));
    let backend = table.find("backend").map_or(Some(None), |value| {
        words::word(value, notes, "a back end", &BACKENDS).map(Some)
    });
    let precision = table.find("precision").map_or(Some(None), |value| {
        words::word(value, notes, "a precision", &PRECISIONS).map(Some)
    });
    let (backend_at, precision_at) = (
        backend.as_ref().and_then(Option::as_ref),
        precision.as_ref().and_then(Option::as_ref),
    );
    // A word that is none is complained of already; the others are looked at all the same.
    let usual = backend.as_ref().is_some_and(Option::is_none);
    let onnxruntime = usual || backend_at.is_some_and(|at| at.value == Backend::OnnxRuntime);
    if let Some(at) = precision_at
        && at.value == Precision::Bf16
        && onnxruntime
    {
        at.complain(
            notes,
            "`f32`, which is what ONNX Runtime computes with here",
            "take the line out, or add `backend = \"openvino\"`",
        );
    }
    if let Some(at) = backend_at
        && at.value == Backend::OpenVino
        && matches!(device, Some(Device::Cuda { .. }))
    {
        at.complain(
            notes,
            "`onnxruntime`: OpenVINO runs models on the processor",
            "take the line out, or write `device = \"cpu\"`",
        );
    }
    let library = |key, what| {
        table.find(key).and_then(|value| {
            words::existing_file(
                value,
                notes,
                what,
                "run `make setup`, or take the line out",
                files,
            )
        })
    };
    let onnxruntime = library("onnxruntime", "the ONNX Runtime library");
    let openvino = library("openvino", "OpenVINO's C interface");
    let what = "the folder with the plugins' models";
    let models = match table.find("models") {
        None => Some(None),
        Some(value) => words::path(value, notes, what).map(|path| Some(path.value)),
    };
    let lock = match table.find("lock") {
        None => Some(notes.text().resolve("overt.lock")),
        Some(value) => words::path(value, notes, "the lock's file").map(|path| path.value),
    };
    let place = |key, what, example| {
        let value = table.require(key, what, example)?;
        words::path(value, notes, what)
    };
    let records = place(
        "records",
        "the file for the records",
        "\"out/records.redb\"",
    );
    let output = place(
        "output",
        "the folder for the summary and the report",
        "\"out\"",
    );
    let force = force(&table, records.as_ref());
    let metrics = metrics(&table);
    let report = table
        .find("report")
        .map_or(Some(RunReport::Numbers), |value| {
            let what = "what a run leaves about its alerts";
            words::word(value, notes, what, &REPORTS).map(|at| at.value)
        });
    let confine = table
        .find("confine")
        .map_or(Some(Confine::Possible), |value| {
            let what = "what to do where the kernel cannot shut the process in";
            words::word(value, notes, what, &CONFINE).map(|at| at.value)
        });
    table.finish();
    Some(Host {
        // Within its bound, so it fits.
        workers: workers.map(|workers| workers as usize),
        device: device?,
        backend: backend?.map_or(Backend::OnnxRuntime, |at| at.value),
        precision: precision?.map_or(Precision::F32, |at| at.value),
        onnxruntime,
        openvino,
        models: models?,
        lock: lock?,
        records: records?.value,
        force: force?,
        output: output?.value,
        report: report?,
        metrics: metrics?,
        confine: confine?,
    })
}

/// `metrics`, and `metrics-remote` without which it stays on this machine: the figures say when people pass, and whoever can reach them needs no password.
fn metrics(table: &Table<'_, '_>) -> Option<Option<SocketAddr>> {
    const EXPECTED: &str =
        "an IP address of this machine and a port from 1 to 65535, such as `127.0.0.1:9464`";
    let notes = table.notes();
    let remote = table.flag("metrics-remote");
    let Some(value) = table.find("metrics") else {
        return remote.map(|_| None);
    };
    let string = value.string(notes, EXPECTED)?;
    let address: Option<SocketAddr> = string.value.parse().ok();
    let Some(address) = address.filter(|address| address.port() != 0) else {
        string.complain(
            notes,
            EXPECTED,
            "write `\"127.0.0.1:9464\"`; a name is not looked up, and IPv6 stands in brackets: `\"[::1]:9464\"`",
        );
        return None;
    };
    if !address.ip().is_loopback() && !remote? {
        string.complain(
            notes,
            "an address of this machine alone, since the figures say when people pass and nobody is asked for a password",
            "write `127.0.0.1` for the address, or add `metrics-remote = true` if others may know",
        );
        return None;
    }
    remote.map(|_| Some(address))
}

/// `force`, a file that no deployment has to itself; beside the records where it is silent.
fn force(table: &Table<'_, '_>, records: Option<&At<PathBuf>>) -> Option<PathBuf> {
    const EXPECTED: &str =
        "a file of its own for the force's people, and not the one for the records";
    const MEND: &str = "name another file; `force.redb` beside the records is the usual one";
    let notes = table.notes();
    let named = match table.find("force") {
        None => None,
        Some(value) => Some(words::path(value, notes, "the file of the force's people")?),
    };
    let records = records?;
    let force = match &named {
        None => records.value.with_file_name("force.redb"),
        Some(named) => named.value.clone(),
    };
    if force == records.value {
        named
            .as_ref()
            .unwrap_or(records)
            .complain(notes, EXPECTED, MEND);
        return None;
    }
    Some(force)
}

fn device(value: Value<'_>, notes: &Notes<'_>) -> Option<Device> {
    const EXPECTED: &str = "`cpu`, or `cuda:` and the number of a GPU, 0 to 63";
    let string = value.string(notes, EXPECTED)?;
    let device = match string.value {
        "cpu" => Some(Device::Cpu),
        other => other
            .strip_prefix("cuda:")
            .and_then(|index| index.parse().ok())
            .filter(|index| *index < 64)
            .map(|index| Device::Cuda { index }),
    };
    if device.is_none() {
        string.complain(notes, EXPECTED, "write `\"cpu\"` if you are unsure; a GPU that is not there is an error, never a slower run");
    }
    device
}

/// `[retention]`, which may be absent: then the defaults hold.
pub(super) fn retention(root: &Table<'_, '_>) -> Option<Retention> {
    let hours = |hours: u64| Duration::from_secs(hours * 3_600);
    let (alerts, inputs, watchlist, membership) = match root.find("retention") {
        None => (None, None, None, None),
        Some(value) => {
            let table = value.table(root.notes())?;
            let alerts = table.integer("alerts-hours", limits::ALERTS_HOURS.range());
            let inputs = table.integer("inputs-hours", limits::INPUTS_HOURS.range());
            let longest = match table.find("alerts-hours") {
                None => Some(limits::ALERTS_HOURS.default),
                Some(_) => alerts,
            };
            if let (Some(value), Some(inputs), Some(longest)) =
                (table.find("inputs-hours"), inputs, longest)
                && inputs > longest
            {
                value.complain(
                    root.notes(),
                    format!("at most as long as the alerts are kept, {longest} hours"),
                    "keep them for a shorter time, or leave the line out: then they are kept as long as the alerts",
                );
            }
            let watchlist = table.integer("watchlist-hours", limits::WATCHLIST_HOURS.range());
            let membership = table.integer("membership-days", limits::MEMBERSHIP_DAYS.range());
            table.finish();
            (alerts, inputs, watchlist, membership)
        }
    };
    let alerts = alerts.unwrap_or(limits::ALERTS_HOURS.default);
    Some(Retention {
        alerts: hours(alerts),
        inputs: hours(inputs.unwrap_or(alerts)),
        watchlist: hours(watchlist.unwrap_or(limits::WATCHLIST_HOURS.default)),
        membership_days: membership.unwrap_or(limits::MEMBERSHIP_DAYS.default) as u32,
    })
}
