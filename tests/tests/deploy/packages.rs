//! What the Debian packages are made of is made by their script, man pages and completions of each program; and they are tried, where
//! root has the tools.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use campanile_tests::readme::path_with;
use campanile_tests::{Lab, programs};

use crate::deploy::common::{read, repository, run};

/// The folder of each package, and its program.
const PACKAGES: [(&str, &str); 3] = [
    ("engine", "campanile"),
    ("smpp-sim", "smpp-sim"),
    ("loadtest", "loadtest"),
];

/// In the place of what makes packages: `cargo deb … --package NAME --output FOLDER`.
const STAND_IN: &str = "#!/bin/sh\nwhile [ $# -gt 0 ]; do\n  case $1 in\n    --package) name=$2 ;;\n    --output) folder=$2 ;;\n  esac\n  \
                        shift\ndone\necho \"a package\" >\"$folder/$name.deb\"\n";

/// Source and destination of each file of a package.
fn assets(folder: &str) -> Vec<(String, String)> {
    let manifest: toml::Table = read(&format!("{folder}/Cargo.toml")).parse().expect("TOML");
    let assets = manifest["package"]["metadata"]["deb"]["assets"]
        .as_array()
        .expect("a list");
    let assets = assets.iter().map(|asset| {
        let text = |at: usize| asset[at].as_str().expect("a text").to_owned();
        (text(0), text(1))
    });
    assets.collect()
}

/// Whether there is a file by that path, whose last part may be `*`.
fn is_there(path: &Path) -> bool {
    if path.file_name().is_some_and(|name| name == "*") {
        let folder = path.parent().and_then(|folder| folder.read_dir().ok());
        return folder.is_some_and(|mut files| files.next().is_some());
    }
    path.metadata().is_ok_and(|file| file.len() > 0)
}

/// A lab whose directory has all three programs in `release/`.
fn built(name: &str) -> Lab {
    let lab = Lab::new(programs!(), name);
    let built = lab.directory().join("release");
    std::fs::rename(lab.bin_dir(), &built).expect("move the programs");
    symlink(env!("CARGO_BIN_EXE_loadtest-under-test"), built.join("loadtest")).expect("link a program");
    lab
}

/// In a file system of its own, so that this machine has nothing of it.
#[test]
fn packages_are_installed_run_upgraded_under_load_removed_and_purged() {
    const LACKS_TOOLS: i32 = 2;
    let lab = built("deploy-packages-apart");
    let mut check = Command::new(repository().join("scripts/check-packages.sh"));
    let output = check
        .arg("--apart")
        .arg(lab.directory())
        .output()
        .expect("run the script");
    let said = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    let said = said.concat();
    println!("{said}");
    if output.status.code() == Some(LACKS_TOOLS) {
        return;
    }
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("upgraded under load, removed and purged: campanile smpp-sim"),
        "{said}"
    );
}

#[test]
fn every_package_has_the_man_pages_and_completions_of_its_program() {
    let lab = built("deploy-packages");
    let [tools, scripts] = ["tools", "scripts"].map(|name| lab.directory().join(name));
    for folder in [&tools, &scripts] {
        std::fs::create_dir(folder).expect("create a folder");
    }
    let stand_in = tools.join("cargo-deb");
    std::fs::write(&stand_in, STAND_IN).expect("write a script");
    std::fs::set_permissions(&stand_in, std::fs::Permissions::from_mode(0o755)).expect("a program");
    let script = scripts.join("packages.sh");
    std::fs::copy(repository().join("scripts/packages.sh"), &script).expect("copy the script");
    run(Command::new(&script)
        .args(["--built", lab.directory().to_str().expect("a path in UTF-8")])
        .env("PATH", path_with(&tools)));
    for (folder, program) in PACKAGES {
        let assets = assets(folder);
        for (source, _) in &assets {
            let Some(made) = source.strip_prefix("../target/packages/") else {
                continue;
            };
            let file = lab.directory().join("target/packages").join(made);
            assert!(is_there(&file), "{folder}: nothing makes {source}");
        }
        for place in [
            "usr/share/man/man1/".to_owned(),
            format!("usr/share/bash-completion/completions/{program}"),
            format!("usr/share/zsh/vendor-completions/_{program}"),
            format!("usr/share/fish/vendor_completions.d/{program}.fish"),
        ] {
            let has = assets.iter().any(|(_, to)| *to == place);
            assert!(has, "{folder}: the package has no {place}");
        }
    }
}
