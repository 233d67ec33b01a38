//! Tells the tests whether recorded answers stand beside the repository, whether a browser is installed, and whether this user may
//! mount something that only its own processes see: where not, the tests that need it are shown and counted as ignored.

#[expect(
    clippy::disallowed_macros,
    reason = "this is how a build script speaks to cargo"
)]
fn main() {
    let recordings = "../shared/recorded";
    println!("cargo::rerun-if-changed={recordings}");
    println!("cargo::rustc-check-cfg=cfg(recordings)");
    if std::path::Path::new(recordings).is_dir() {
        println!("cargo::rustc-cfg=recordings");
    }
    println!("cargo::rustc-check-cfg=cfg(browser)");
    if ["chromium", "chromedriver"].into_iter().all(is_installed) {
        println!("cargo::rustc-cfg=browser");
    }
    println!("cargo::rustc-check-cfg=cfg(namespaces)");
    if may_mount() {
        println!("cargo::rustc-cfg=namespaces");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a build script has no other place to be told"
)]
fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn may_mount() -> bool {
    let mount = "mount -t tmpfs none \"$PWD\"";
    std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", mount])
        .output()
        .is_ok_and(|output| output.status.success())
}
