fn main() -> std::process::ExitCode {
    sighthound::cli::main()
}
