//! The real binary in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rusqlite::{Connection, OpenFlags};

/// A folder with a configuration and a token, and the binary to run in it.
pub struct Folder {
    folder: tempfile::TempDir,
}

/// A token that no real one looks like, to be searched for in everything that is printed.
pub const TOKEN: &str = "EAAtesttokentesttokentesttoken1234567890";
/// An app secret, likewise.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";

impl Folder {
    /// A folder whose configuration reaches `base_url`; `more` goes below.
    pub fn new(base_url: &str, more: &str) -> Self {
        let folder = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        folder.write("token", TOKEN);
        folder.write("secret", SECRET);
        folder.configure(&format!(
            "[graph]\nbase_url = \"{base_url}\"\ntimeout = \"5s\"\n{more}\n\
             [[credential]]\nname = \"main\"\ntoken_file = \"token\"\napp_secret_file = \"secret\"\n"
        ));
        folder
    }

    /// Another folder with the same configuration.
    pub fn twin(&self) -> Self {
        let twin = Self::new("", "");
        twin.configure(&std::fs::read_to_string(self.path("igsync.toml")).unwrap());
        twin
    }

    pub fn configure(&self, text: &str) {
        self.write("igsync.toml", text);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_igsync"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("NO_PROXY", "127.0.0.1")
            .stdin(Stdio::null());
        command
    }

    /// The binary in this folder, started by a shell that does something before: `exec "$0" "$@"` starts it.
    pub fn shell(&self, script: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", script, env!("CARGO_BIN_EXE_igsync")])
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("NO_PROXY", "127.0.0.1")
            .stdin(Stdio::null());
        command
    }

    /// Runs to the end, off the runtime, so that a server of the test's can answer meanwhile.
    pub async fn run(&self, arguments: &[&str]) -> Ran {
        run(self.command(arguments)).await
    }

    pub fn database(&self) -> Connection {
        open(&self.path("igsync.db"))
    }
}

/// Runs a command to its end, off the runtime.
pub async fn run(mut command: Command) -> Ran {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    Ran::from(output.await.unwrap())
}

/// Opens a database as an analyst would.
pub fn open(path: &Path) -> Connection {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

/// What a run printed and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ran {
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "stdout:\n{}\nstderr:\n{}",
            self.stdout, self.stderr
        );
        self
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// Every row of every table that holds what was read, as text.
pub fn dump(connection: &Connection) -> Vec<String> {
    let tables: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sync\\_%' ESCAPE '\\' ORDER BY name")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let mut dump = Vec::new();
    for table in tables {
        let mut statement = connection
            .prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2"))
            .unwrap();
        let columns = statement.column_count();
        let rows = statement
            .query_map([], |row| {
                let values: Vec<String> = (0..columns)
                    .map(|at| format!("{:?}", row.get_ref(at).unwrap()))
                    .collect();
                Ok(format!("{table}: {}", values.join(" | ")))
            })
            .unwrap();
        dump.extend(rows.map(Result::unwrap));
    }
    dump
}
