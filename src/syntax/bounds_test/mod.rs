//! What no text may do, whatever it is: end the process, overflow the stack of a worker, or take long. The lexer, the
//! parsers and the binders of both languages read made-up texts on a small stack: [`sizes`] has texts of the largest
//! sizes and depths, [`random`] has texts by chance.
//!
//! - `PROPTEST_CASES` is how many texts each generator of [`random`] makes.
//! - `SIGHTHOUND_PART=1` reads the texts of [`sizes`] at their full size, and `SIGHTHOUND_TIMES=1` shows what took time (`all`: every text
//!   before it is read).
mod random;
mod sizes;

use crate::bind::alerts::Stored;
use crate::bind::odata::sets::WithAlerts;
use crate::bind::{self, Context};

use crate::syntax::{kql, odata};
use crate::text::{Diagnostics, Source, render};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// What a thread has where nobody says otherwise.
const STACK: usize = 2 << 20;
/// Code that is not optimised is ten times slower and more, and some machines are; what has no bound takes longer yet.
const LONGEST: Duration = Duration::from_secs(if cfg!(debug_assertions) { 30 } else { 1 });
const NOW: i64 = 639_028_224_000_000_000;

/// The time that this thread has had of a processor, where the system tells it: others work on the machine, too.
fn clock() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = stat.and_then(|stat| stat.split_whitespace().next()?.parse().ok());
    nanos.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// Everything that happens to a text before a plan is made: how long that took, or what must not be.
fn read(text: &str) -> Result<Duration, String> {
    if std::env::var("SIGHTHOUND_TIMES").is_ok_and(|what| what == "all") {
        eprintln!("{}", text.chars().take(60).collect::<String>());
    }
    let began = clock();
    let source = Source::new(text);
    let context = Context { tables: &WithAlerts, now: NOW, parameters: &[], data: None, saved: &[] };
    let tree = kql::parse(&source).into_result();
    let told = match &tree {
        Ok(tree) => bind::kql(tree, &context).err(),
        Err(faults) => Some(faults.clone()),
    };
    let shown = told.as_ref().map(|faults| render::render(&source, faults)).unwrap_or_default();
    let after_kql = clock().saturating_sub(began);
    let bound = odata::parse(&source).and_then(|line| bind::odata(&line, &context, Stored::of(|_| false)));
    let took = clock().saturating_sub(began);
    sound(text, &told.unwrap_or_default())?;
    sound(text, &bound.map(|_| ()).err().unwrap_or_default())?;
    if std::env::var_os("SIGHTHOUND_TIMES").is_some() && took > Duration::from_millis(50) {
        let from: String = text.chars().take(60).collect();
        let shown = shown.lines().next().unwrap_or_default();
        eprintln!("{:>8} bytes {after_kql:>10.1?} of {took:>10.1?}: {from} ({shown})", text.len());
    }
    if took > LONGEST {
        return Err(format!("{took:?} for {} bytes", text.len()));
    }
    Ok(took)
}

/// Each fault stands in the text, and neither begins nor ends within a character.
fn sound(text: &str, faults: &Diagnostics) -> Result<(), String> {
    for fault in faults {
        let (start, end) = (fault.span.start as usize, fault.span.end as usize);
        if start > end || text.get(start..end).is_none() {
            return Err(format!("`{}` stands at {start}..{end} of {}", fault.message, text.len()));
        }
        if fault.message.is_empty() || fault.message.len() > 2000 {
            return Err(format!("a message of {} bytes", fault.message.len()));
        }
    }
    Ok(())
}

/// A tree is printed as a text that has the same tree.
fn prints(text: &str) -> Result<(), String> {
    let Ok(tree) = kql::parse(&Source::new(text)).into_result() else { return Ok(()) };
    let printed = tree.to_string();
    // Parts that are passed over have no text of their own, and a `real(nan)` equals nothing.
    if printed.contains('…') || printed.contains("real(nan)") {
        return Ok(());
    }
    match kql::parse(&Source::new(printed.as_str())).into_result() {
        Ok(again) if again.statements == tree.statements => Ok(()),
        Ok(again) => Err(format!("printed as\n{printed}\nand then as\n{again}")),
        Err(faults) => Err(format!("printed as\n{}", render::render(&Source::new(printed.as_str()), &faults))),
    }
}

fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(run);
    assert!(thread.is_ok_and(|thread| thread.join().is_ok()));
}
