//! The one harness: `cargo test --test suite`. Text in, tables or bytes out; hardly anything looks behind the front door.
//!
//! - `layers`: who may use whom in `src`, and the bounds that every file keeps
//! - `markdown`: `tests/{kql,odata,both,http,plans,errors}/*.md`; `BLESS=1` writes their result blocks
//! - `differential`: plans and the row half compute the same; that they do is looked at behind the front door
//! - `signin`: tokens, permissions, groups of devices, quotas, the shapes of refusals, TLS
//! - `state`: `tests/state/*.md`, whose requests change what is stored; many writers and a client that polls at once
//! - `pages`: pages that are walked while rows arrive
//! - `metadata`: what entities have is what `$metadata` tells of them
//! - `held`: what is told of alerts whose rows are in memory is what the files say
//! - `memory`: what queries with little memory answer, or that they are refused
//! - `routes`: the OpenAPI document, the router and the permissions say the same; batches, pages of other origins, slow
//!   clients
//! - `requests`: request lines of real clients and filters of other libraries, from `../shared` or `SIGHTHOUND_SHARED`
//! - `recorded`: answers recorded elsewhere, read from `../shared` or `SIGHTHOUND_SHARED`, with the known failures
use std::process::ExitCode;

mod awkward;
mod blocks;
mod differential;
mod front;
mod held;
mod judge;
mod layers;
mod markdown;
mod memory;
mod metadata;
mod pages;
mod recorded;
mod requests;
mod routes;
mod signin;
mod state;
mod terms;

fn main() -> ExitCode {
    let arguments = libtest_mimic::Arguments::from_args();
    let mut trials = layers::trials();
    trials.extend(markdown::trials());
    trials.extend(recorded::trials());
    trials.extend(differential::trials());
    trials.extend(state::trials());
    trials.extend(terms::trials());
    trials.extend(pages::trials());
    trials.extend(metadata::trials());
    trials.extend(held::trials());
    trials.extend(memory::trials());
    trials.extend(signin::trials());
    trials.extend(routes::trials());
    trials.extend(requests::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Whether expected answers are to be written instead of checked.
fn bless() -> bool {
    std::env::var_os("BLESS").is_some_and(|value| value == "1")
}

/// The repository.
fn root() -> &'static std::path::Path {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
}
