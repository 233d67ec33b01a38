//! `igsync`: parse, call, exit code.

use std::process::ExitCode;

use igsync::cli;
use igsync::config::Environment;

fn main() -> ExitCode {
    // A variable that is not text cannot be one of ours.
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let environment = Environment::new(variables);
    ExitCode::from(cli::main(std::env::args_os(), &environment))
}
