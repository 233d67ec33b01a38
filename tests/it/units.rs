//! The units in `systemd/`, compared with the binary that they start and with each other.

use std::path::{Path, PathBuf};

use crate::binary::Folder;

fn file(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn services() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut services: Vec<_> = files
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "service")
        })
        .collect();
    services.sort();
    assert_eq!(services.len(), 4);
    services
}

/// The values of a setting.
fn values<'a>(unit: &'a str, setting: &str) -> Vec<&'a str> {
    let value = |line: &'a str| line.strip_prefix(setting)?.strip_prefix('=');
    unit.lines().filter_map(value).collect()
}

#[test]
fn units_start_commands_that_the_binary_has_and_judge_codes_that_it_gives() {
    let folder = Folder::new("http://127.0.0.1:9", "");
    let run = |arguments: &[&str]| {
        let output = folder.command(arguments).output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (_, help) = run(&["--help"]);
    for service in services() {
        let unit = file(&service);
        let [start] = values(&unit, "ExecStart")[..] else {
            panic!("{} starts not one thing", service.display());
        };
        let start = start.replace("%i", "metricsaurus");
        let command = start.strip_prefix("/usr/local/bin/igsync ").unwrap();
        let arguments: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let (code, said) = run(&arguments);
        assert_eq!(code, Some(0), "{}: {command}", service.display());
        assert_ne!(said, help, "{}: no command in {command}", service.display());
        for setting in ["SuccessExitStatus", "RestartPreventExitStatus"] {
            for code in values(&unit, setting)
                .iter()
                .flat_map(|codes| codes.split(' '))
            {
                assert!(
                    help.contains(&format!("\n  {code}  ")),
                    "{}: igsync has no exit code {code}",
                    service.display()
                );
            }
        }
    }
    // The proof can fail.
    assert_eq!(
        run(&["backfill", "--acount", "metricsaurus", "--help"]).0,
        Some(2)
    );
}

#[test]
fn units_hand_over_the_secrets_that_the_example_names_and_write_where_the_readme_says() {
    let example = file("config.example.toml");
    let named = |key: &str| {
        let line = example.lines().find(|line| {
            line.trim_start_matches('#')
                .starts_with(&format!("{key} = "))
        });
        line.unwrap().split('"').nth(1).unwrap().to_owned()
    };
    for service in services() {
        let unit = file(&service);
        let loads =
            |name: String| unit.contains(&format!("LoadCredential={name}:/etc/igsync/{name}\n"));
        assert!(
            loads(named("token_file")) && loads(named("app_secret_file")),
            "{}",
            service.display()
        );
        assert_eq!(values(&unit, "StateDirectory"), ["igsync"]);
        assert_eq!(values(&unit, "User"), ["igsync"]);
    }
    assert!(file("README.md").contains("path = \"/var/lib/igsync/igsync.db\""));
    assert!(file("systemd/sysusers.d/igsync.conf").contains("\nu igsync "));
}

#[test]
fn one_sandbox_is_that_of_all_units() {
    let sandbox = |path: PathBuf| {
        let unit = file(&path);
        let (_, rest) = unit.split_once("\n# Secrets come from").unwrap();
        rest.split("\n[Install]")
            .next()
            .unwrap()
            .trim_end()
            .to_owned()
    };
    let mut all: Vec<String> = services().into_iter().map(sandbox).collect();
    assert!(all[0].lines().count() > 30);
    all.dedup();
    assert_eq!(all.len(), 1, "{all:#?}");
}
