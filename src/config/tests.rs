use super::*;

/// A folder with a token and a configuration that ends with `more`.
fn folder(more: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "EAAtoken\n").unwrap();
    private(&token);
    let file = folder.path().join("igsync.toml");
    std::fs::write(&file, more).unwrap();
    (folder, file)
}

fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

const MAIN: &str = "[[credential]]\nname = \"main\"\ntoken_file = \"token\"\n";

/// The message for a file, without the folder in front.
fn message(text: &str) -> String {
    let (folder, file) = folder(text);
    let error = load(&file, &Environment::default())
        .unwrap_err()
        .to_string();
    error.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn the_smallest_file_has_all_defaults() {
    let (folder, file) = folder(MAIN);
    let config = load(&file, &Environment::default()).unwrap();
    assert_eq!(config.graph.base_url, "https://graph.facebook.com");
    assert_eq!(config.graph.version, "v25.0");
    assert_eq!(config.graph.timeout, Duration::from_secs(60));
    assert_eq!(config.budget.ceiling_percent, 80);
    assert_eq!(config.database, folder.path().join("igsync.db"));
    assert_eq!(config.credentials[0].name(), "main");
    assert_eq!(config.warnings, Vec::<String>::new());
}

#[test]
fn every_mistake_names_line_key_and_what_to_write() {
    let job = "[[job]]\nname = \"nightly\"\nschedule = \"30 2 * * *\"\nresources = [\"media\"]\n";
    let cases = [
        (
            format!("{MAIN}[grph]\nversion = \"v25.0\"\n"),
            "igsync.toml:4: `grph`: there is no such key; did you mean `graph`?",
        ),
        (
            format!("{MAIN}[graph]\nversoin = \"v25.0\"\n"),
            "igsync.toml:5: `graph.versoin`: there is no such key; did you mean `version`?",
        ),
        (
            format!("{MAIN}[graph]\nproxy = 1\n"),
            "igsync.toml:5: `graph.proxy`: there is no such key; there are: base_url, version, timeout",
        ),
        (
            format!("{MAIN}[budget]\nceiling_percent = \"80\"\n"),
            "igsync.toml:5: `budget.ceiling_percent`: invalid type: string \"80\", expected i64; write a whole number from 1 to 100, for example `80`",
        ),
        (
            format!("{MAIN}[budget]\nceiling_percent = 140\n"),
            "igsync.toml:5: `budget.ceiling_percent`: 140 is out of range; write a whole number from 1 to 100, for example `80`",
        ),
        (
            format!("{MAIN}[budget.buc]\nwindow = \"a day\"\n"),
            "igsync.toml:5: `budget.buc.window`: \"a day\" is no length of time; write the length of Meta's window, for example `\"24h\"`",
        ),
        (
            format!("{MAIN}{MAIN}"),
            "igsync.toml:5: `credential.name`: \"main\" is empty or used twice; write a short name that is used once, for example `\"main\"`",
        ),
        (
            "[[credential]]\ntoken_file = \"token\"\n".to_owned(),
            "igsync.toml:1: `credential.name`: is missing; write a short name that is used once, for example `\"main\"`",
        ),
        (
            "[[credential]]\nname = \"main\"\n".to_owned(),
            "igsync.toml:1: `credential.token_file`: credential `main` has no token; write token_file or token_env",
        ),
        (
            "[graph]\nversion = \"v25.0\"\n".to_owned(),
            "igsync.toml:3: `credential`: there is none; add a [[credential]] with name and token_file",
        ),
        (
            "[[credential]]\nname = \"main\"\ntoken_env = \"IG_TOKEN\"\n".to_owned(),
            "igsync.toml:3: `credential.token_env`: the environment variable IG_TOKEN is not set; set it, or use credential.token_file",
        ),
        (
            format!("{MAIN}token_env = \"IG_TOKEN\"\n"),
            "igsync.toml:4: `credential.token_env`: is given beside credential.token_file; keep one of them",
        ),
        (
            "[[credential]]\nname = \"main\"\ntoken_file = \"nowhere\"\n".to_owned(),
            "igsync.toml:3: `credential.token_file`: nowhere is not there; put the secret alone into it, readable by this user only",
        ),
        (
            format!("{MAIN}[graph]\nversion = \"25\"\n"),
            "igsync.toml:5: `graph.version`: \"25\" is no version; write a version of the Graph API, for example `\"v25.0\"`",
        ),
        (
            format!("{MAIN}[graph]\nversion = \"v25.1\"\n"),
            "igsync.toml:5: `graph.version`: \"v25.1\" is no version; write a version of the Graph API, for example `\"v25.0\"`",
        ),
        (
            format!("{MAIN}[graph]\nversion = \"v19.0\"\n"),
            "igsync.toml:5: `graph.version`: \"v19.0\" has expired: Meta would serve another one; write a version of the Graph API, for example `\"v25.0\"`",
        ),
        (
            format!("{MAIN}[graph]\nversion = \"v99.0\"\n"),
            "igsync.toml:5: `graph.version`: \"v99.0\" does not exist; write a version of the Graph API, for example `\"v25.0\"`",
        ),
        (
            format!("{MAIN}{job}{job}"),
            "igsync.toml:9: `job.name`: \"nightly\" is empty or used twice; write a short name that is used once, for example `\"nightly\"`",
        ),
        (
            format!("{MAIN}{}", job.replace("nightly", "backfill")),
            "igsync.toml:5: `job.name`: \"backfill\" is a name that igsync uses itself; write a short name that is used once, for example `\"nightly\"`",
        ),
        (
            format!("{MAIN}{}", job.replace("30 2 * * *", "30 2 * *")),
            "igsync.toml:6: `job.schedule`: \"30 2 * *\" has 4 fields; write five (minute hour day month weekday), or six with seconds first; write a cron line, for example `\"30 2 * * *\"` for 02:30 every night",
        ),
        (
            format!("{MAIN}{job}timezone = \"Berlin\"\n"),
            "igsync.toml:8: `job.timezone`: \"Berlin\" is no time zone; write an IANA time zone, for example `\"Europe/Berlin\"`",
        ),
        (
            format!("{MAIN}{}", job.replace("[\"media\"]", "[]")),
            "igsync.toml:7: `job.resources`: [] is empty; write a list of resources, for example `[\"account\", \"media\"]`",
        ),
        (
            format!("{MAIN}{}", job.replace("\"media\"", "\"medai\"")),
            "igsync.toml:7: `job.resources`: `medai` is no resource; there are: RESOURCES",
        ),
        (
            format!("{MAIN}{job}mentions = [\"1/2\", \"17900000000000001\"]\n"),
            "igsync.toml:8: `job.mentions`: \"17900000000000001\" names no mention; write the account (id or username), the id of the post, and for a mention in a comment the comment's id, for example `[\"metricsaurus/17900000000000001\"]`",
        ),
        (
            format!("{MAIN}[refresh]\n\"2d\" = \"often\"\n"),
            "igsync.toml:5: `refresh`: \"often\" is no length of time; write ages and how often posts up to that age are read again, for example `\"2d\" = \"6h\"`",
        ),
    ];
    let known: Vec<&str> = crate::resource::RESOURCES
        .iter()
        .map(|resource| resource.name)
        .collect();
    for (text, expected) in cases {
        let expected = expected.replace("RESOURCES", &known.join(", "));
        assert_eq!(message(&text), expected, "for:\n{text}");
    }
}

#[test]
fn a_line_that_is_no_toml_is_named() {
    let message = message(&format!("{MAIN}[graph\nversion = \"v25.0\"\n"));
    assert!(message.starts_with("igsync.toml:4: "), "{message}");
    assert!(message.ends_with("see config.example.toml"), "{message}");
}

#[test]
fn a_token_never_travels_in_the_clear() {
    for url in [
        "http://graph.facebook.com",
        "http://127.0.0.1.example.org",
        "http://localhost:80@example.org",
        "ftp://x",
        "https://",
        "graph.facebook.com",
    ] {
        let message = message(&format!("{MAIN}[graph]\nbase_url = \"{url}\"\n"));
        assert!(
            message.starts_with("igsync.toml:5: `graph.base_url`: "),
            "{message}"
        );
    }
    for url in [
        "https://graph.facebook.com/",
        "http://127.0.0.1:8080",
        "http://[::1]:8080/",
        "http://localhost",
    ] {
        let (_folder, file) = folder(&format!("{MAIN}[graph]\nbase_url = \"{url}\"\n"));
        let config = load(&file, &Environment::default()).unwrap();
        assert_eq!(config.graph.base_url, url.trim_end_matches('/'));
    }
}

#[test]
fn tokens_that_cannot_be_tokens_are_refused_without_being_shown() {
    for (token, problem) in [
        ("", "is empty"),
        (" \n", "is empty"),
        ("EAAone\nEAAtwo\n", "has more than one line"),
        ("EAA one", "has a blank"),
    ] {
        let (folder, file) = folder(MAIN);
        std::fs::write(folder.path().join("token"), token).unwrap();
        let message = load(&file, &Environment::default())
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("igsync.toml:3: `credential.token_file`: what it names"),
            "{message}"
        );
        assert!(message.contains(problem), "{message}");
        assert!(!message.contains("EAA"), "{message}");
    }
}

#[test]
fn a_secret_that_everybody_can_read_is_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, file) = folder(MAIN);
    let token = folder.path().join("token");
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o644)).unwrap();
    let config = load(&file, &Environment::default()).unwrap();
    assert_eq!(config.warnings.len(), 1);
    assert!(
        config.warnings[0].contains("chmod 600"),
        "{:?}",
        config.warnings
    );
}

#[test]
fn the_credentials_directory_comes_first() {
    let (folder, file) = folder("[[credential]]\nname = \"main\"\ntoken_file = \"handed\"\n");
    let handed = folder.path().join("run");
    std::fs::create_dir(&handed).unwrap();
    std::fs::write(handed.join("handed"), "EAAhanded").unwrap();
    let environment = Environment::new([(
        "CREDENTIALS_DIRECTORY".to_owned(),
        handed.display().to_string(),
    )]);
    // What is replaced in its own file is not seen there, and what says that a token is dead says so.
    let after = |config: &Config| config.credentials[0].after_replacement();
    let config = load(&file, &environment).unwrap();
    assert!(after(&config).contains("systemctl restart igsync"));
    load(&file, &Environment::default()).unwrap_err();
    std::fs::write(folder.path().join("handed"), "EAAown").unwrap();
    let config = load(&file, &Environment::default()).unwrap();
    assert_eq!(after(&config), "then start again");
}

#[test]
fn the_file_is_looked_for_where_it_was_promised() {
    let environment = Environment::new([("IGSYNC_CONFIG".to_owned(), "/x/y.toml".to_owned())]);
    let option = Path::new("z.toml");
    assert_eq!(find(Some(option), &environment).unwrap(), option);
    assert_eq!(find(None, &environment).unwrap(), Path::new("/x/y.toml"));
    let error = load(Path::new("/x/y.toml"), &environment)
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("/x/y.toml: No such file"), "{error}");
}

#[test]
fn a_secret_that_stands_where_its_place_belongs_is_not_shown_again() {
    for (key, secret) in [
        ("token_file", "EAAGm0PX4ZCpsBAKZCZBxyz1234567890"),
        ("token_env", "EAAGm0PX4ZCpsBAKZCZBxyz1234567890"),
        ("app_secret_file", "0123456789abcdef0123456789abcdef"),
    ] {
        let message = message(
            &format!(
                "[[credential]]\nname = \"main\"\ntoken_file = \"token\"\n{key} = \"{secret}\"\n"
            )
            .replace(
                if key.starts_with("token") {
                    "token_file = \"token\"\n"
                } else {
                    "\u{0}"
                },
                "",
            ),
        );
        assert!(
            message.contains("looks like the secret itself"),
            "{message}"
        );
        assert!(!message.contains(secret), "{message}");
    }
}

#[test]
fn an_environment_prints_nothing_of_what_is_in_it() {
    let variables = [("IG_TOKEN".to_owned(), "EAAtoken".to_owned())];
    let printed = format!("{:?}", Environment::new(variables));
    assert_eq!(printed, "Environment { .. }");
}
