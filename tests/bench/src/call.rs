//! What one call over the boundary costs, in each direction: the smallest component that can be called and can call, in one instance that
//! is used again and again. The host itself makes a fresh instance for every call; that is the baseline of the first row.

use overt_runtime::Runtime;
use wasmtime::Store;
use wasmtime::component::{Component, Instance, InstancePre, Linker};

use crate::pairs::{Effort, Pairs, each};
use crate::row::{Row, Target, Unit};
use crate::{Outcome, Scale};

/// Exports `empty`, which does nothing, and `touch-many`, which calls the host so many times.
const COMPONENT: &str = r#"(component
    (import "touch" (func $touch))
    (core func $lowered (canon lower (func $touch)))
    (core module $module
        (import "host" "touch" (func $touch))
        (func (export "empty"))
        (func (export "touch-many") (param $times i32)
            (loop $again
                (if (local.get $times) (then
                    (call $touch)
                    (local.set $times (i32.sub (local.get $times) (i32.const 1)))
                    (br $again))))))
    (core instance $instance (instantiate $module
        (with "host" (instance (export "touch" (func $lowered))))))
    (func (export "empty") (canon lift (core func $instance "empty")))
    (func (export "touch-many") (param "times" u32) (canon lift (core func $instance "touch-many"))))"#;

/// Calls in a sample.
const CALLS: u32 = 20_000;

/// The two rows.
pub(crate) fn rows(runtime: &Runtime, scale: Scale) -> Outcome<Vec<Row>> {
    let engine = runtime.perception_engine();
    let component = Component::new(engine, wat::parse_str(COMPONENT)?)?;
    let mut linker = Linker::<u64>::new(engine);
    linker.root().func_wrap("touch", |mut store, ()| {
        *store.data_mut() += 1;
        Ok(())
    })?;
    let pre = linker.instantiate_pre(&component)?;
    let effort = scale.effort(Effort {
        least: 50,
        most: 1_000,
        seconds: 2.0,
    });

    let (mut store, instance) = fresh(&pre)?;
    let empty = instance.get_typed_func::<(), ()>(&mut store, "empty")?;
    let inwards = Pairs::take(
        effort,
        || each(CALLS as usize, || Ok(empty.call(&mut store, ())?)),
        || {
            each(CALLS as usize / 20, || {
                let (mut store, instance) = fresh(&pre)?;
                let empty = instance.get_typed_func::<(), ()>(&mut store, "empty")?;
                Ok(empty.call(&mut store, ())?)
            })
        },
    )?;

    let (mut store, instance) = fresh(&pre)?;
    let (mut other, again) = fresh(&pre)?;
    let many = instance.get_typed_func::<(u32,), ()>(&mut store, "touch-many")?;
    let empty = again.get_typed_func::<(), ()>(&mut other, "empty")?;
    let outwards = Pairs::take(
        effort,
        // What the one call in costs is a twenty-thousandth of what is measured.
        || Ok(each(1, || Ok(many.call(&mut store, (CALLS,))?))? / f64::from(CALLS)),
        || each(CALLS as usize, || Ok(empty.call(&mut other, ())?)),
    )?;
    if !store.data().is_multiple_of(u64::from(CALLS)) || *store.data() == 0 {
        return Err(format!("the guest called {} times", store.data()).into());
    }
    Ok(vec![
        Row::new(
            "empty call, host to plugin, warm instance",
            Unit::Microseconds,
            "the same in a fresh instance",
            &inwards,
        )
        .target(Target::ValueAtMost(0.25)),
        Row::new(
            "empty call, plugin to host",
            Unit::Microseconds,
            "empty call, host to plugin",
            &outwards,
        )
        .target(Target::ValueAtMost(0.1)),
    ])
}

fn fresh(pre: &InstancePre<u64>) -> Outcome<(Store<u64>, Instance)> {
    let mut store = Store::new(pre.engine(), 0);
    // Far away: what is measured here is no vendor's.
    store.set_epoch_deadline(u64::MAX / 2);
    let instance = pre.instantiate(&mut store)?;
    Ok((store, instance))
}
