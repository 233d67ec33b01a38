//! Tells the tests whether recorded answers stand beside the repository: where they do not, the tests that need them
//! are shown and counted as ignored.

#[expect(
    clippy::disallowed_macros,
    reason = "this is how a build script speaks to cargo"
)]
fn main() {
    let recordings = "../../shared/recorded";
    println!("cargo::rerun-if-changed={recordings}");
    println!("cargo::rustc-check-cfg=cfg(recordings)");
    if std::path::Path::new(recordings).is_dir() {
        println!("cargo::rustc-cfg=recordings");
    }
}
