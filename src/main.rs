use libmimalloc_sys::{mi_option_set_default, mi_option_t};

/// Plans and rows are many small allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// For how many milliseconds the allocator keeps memory that was freed. The next query finds it there; from the system each
/// 4 KiB of it cost a fault. `MIMALLOC_PURGE_DELAY` in the environment says otherwise.
const KEPT: std::ffi::c_long = 30_000;
/// `mi_option_purge_delay`, for which the bindings have no name.
const PURGE_DELAY: mi_option_t = 15;

fn main() -> std::process::ExitCode {
    // SAFETY: it sets a number, and no other thread is there yet.
    unsafe { mi_option_set_default(PURGE_DELAY, KEPT) };
    sighthound::cli::main()
}
