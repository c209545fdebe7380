//! What starts the simulator in other people's tests (smpp-sim/clients): each package is built, installed and used as its readme
//! shows it, by pytest, by Node and by a script of a CI.

use std::fmt::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use campanile_tests::peers::skipped;
use campanile_tests::readme::{blocks, path_with};
use campanile_tests::{Lab, programs};

const CLIENTS: &str = "smpp-sim/clients";

/// A folder or file of this repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Runs it to its end: what it said. Panics unless it succeeds.
fn run(command: &mut Command) -> String {
    let ended = command.output().unwrap_or_else(|error| {
        panic!("{command:?}: {error}: scripts/install-peers.sh installs it, CAMPANILE_PEERS=skip leaves it out")
    });
    let said = [ended.stdout, ended.stderr].map(|octets| String::from_utf8_lossy(&octets).into_owned());
    assert!(
        ended.status.success(),
        "{command:?}: {}\n{}\n{}",
        ended.status,
        said[0],
        said[1]
    );
    said.join("\n")
}

fn python() -> Command {
    Command::new(repository(".tools/python/bin/python"))
}

#[test]
fn the_wheel_gives_pytest_a_fixture_that_works_as_its_readme_says() {
    if skipped() {
        return;
    }
    let lab = Lab::new(programs!(), "clients-pytest");
    let bin = lab.bin_dir();
    let [source, wheels, site] = ["source", "wheels", "site"].map(|name| lab.directory().join(name));
    // Built from a copy, so that nothing is left in the tree.
    run(Command::new("cp")
        .arg("-r")
        .arg(repository(CLIENTS).join("python"))
        .arg(&source));
    let pip = |arguments: &[&str]| {
        let usual = ["-m", "pip", "--disable-pip-version-check"];
        run(python()
            .args(usual)
            .args(arguments)
            .args(["--no-index", "--no-deps"])
            .current_dir(lab.directory()))
    };
    pip(&["wheel", "--no-build-isolation", "--wheel-dir", "wheels", "./source"]);
    let wheel = std::fs::read_dir(&wheels).expect("pip has made it").next();
    let wheel = wheel.expect("there is a wheel").expect("it can be seen").path();
    pip(&["install", "--target", "site", wheel.to_str().expect("a path in UTF-8")]);
    assert!(
        site.join("pytest_smpp_sim/py.typed").is_file(),
        "the wheel says that it is typed"
    );

    for (at, block) in blocks("smpp-sim/clients/python/README.md", "python").iter().enumerate() {
        std::fs::write(lab.directory().join(format!("test_{at}.py")), block).expect("write a test");
    }
    let pytest = |program: (&str, &std::ffi::OsStr), arguments: &[&str]| {
        let mut command = python();
        let usual = ["-m", "pytest", "-p", "no:cacheprovider", "--strict-markers"];
        command.args(usual).args(arguments).current_dir(lab.directory());
        command
            .env("PYTHONPATH", &site)
            .env_remove("SMPP_SIM")
            .env(program.0, program.1);
        command
    };
    let said = run(&mut pytest(("PATH", &path_with(&bin)), &["test_0.py", "test_1.py"]));
    assert!(said.contains("4 passed"), "{said}");

    let wrong = pytest(("SMPP_SIM", "no-such-program".as_ref()), &["test_0.py"])
        .output()
        .expect("run pytest");
    let said = String::from_utf8_lossy(&wrong.stdout);
    assert!(said.contains("SMPP_SIM='no-such-program' is no program"), "{said}");
    let named = bin.join("smpp-sim");
    run(&mut pytest(("SMPP_SIM", named.as_os_str()), &["test_0.py"]));
}

#[test]
fn the_node_module_works_as_its_readme_says() {
    if skipped() {
        return;
    }
    let lab = Lab::new(programs!(), "clients-node");
    let bin = lab.bin_dir();
    std::fs::write(lab.directory().join("package.json"), r#"{"type":"module"}"#).expect("write a file");
    let npm = |arguments: &[&str]| {
        let quiet = ["--offline", "--no-audit", "--no-fund", "--loglevel=error"];
        run(Command::new("npm")
            .args(arguments)
            .args(quiet)
            .current_dir(lab.directory()))
    };
    npm(&[
        "pack",
        "--silent",
        repository(CLIENTS).join("node").to_str().expect("a path in UTF-8"),
    ]);
    npm(&["install", "./smpp-sim-test-0.1.0.tgz"]);
    let client = repository(".tools/node/node_modules/smpp");
    symlink(client, lab.directory().join("node_modules/smpp")).expect("link the client");

    let example = blocks("smpp-sim/clients/node/README.md", "js").join("\n");
    std::fs::write(lab.directory().join("example.test.js"), example).expect("write a test");
    let mut node = Command::new("node");
    node.args(["--test", "example.test.js"]).current_dir(lab.directory());
    let said = run(node.env("SMPP_SIM", bin.join("smpp-sim")));
    assert!(said.contains("pass 2"), "{said}");

    // What it has, its types have.
    let names =
        "import { SmppSim } from 'smpp-sim-test'; console.log(Object.getOwnPropertyNames(SmppSim.prototype).join(' '))";
    let mut node = Command::new("node");
    let names = run(node
        .args(["--input-type=module", "--eval", names])
        .current_dir(lab.directory()));
    let types =
        std::fs::read_to_string(lab.directory().join("node_modules/smpp-sim-test/index.d.ts")).expect("it has types");
    for name in names.split_whitespace().filter(|name| *name != "constructor") {
        assert!(types.contains(&format!("  {name}(")), "index.d.ts lacks {name}");
    }
}

#[test]
fn the_script_for_any_ci_starts_it_as_its_readme_says() {
    let lab = Lab::new(programs!(), "clients-ci");
    let path = path_with(&lab.bin_dir());
    symlink(repository("smpp-sim"), lab.directory().join("smpp-sim")).expect("link the sources");
    let shown = blocks("smpp-sim/clients/README.md", "sh").join("\n");
    // Should a command fail, nothing is left behind.
    let script = format!("trap '[ -z \"${{pid:-}}\" ] || kill $pid' ERR\n{shown}");
    let bash = |script: &str| {
        let mut command = Command::new("bash");
        command
            .args(["-euc", script])
            .current_dir(lab.directory())
            .env("PATH", &path);
        command
    };
    let said = run(&mut bash(&script));
    assert!(said.contains(r#""submits":0"#), "{said}");

    let wrong = bash("SCENARIO=no-such smpp-sim/clients/action/start.sh")
        .output()
        .expect("run bash");
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert_eq!(wrong.status.code(), Some(1), "{said}");
    assert!(said.contains("no-such"), "its last words are shown: {said}");
    let absent = bash("SMPP_SIM=no-such-program smpp-sim/clients/action/start.sh")
        .output()
        .expect("run bash");
    let said = String::from_utf8_lossy(&absent.stderr);
    assert!(
        absent.status.code() == Some(1) && said.contains("set SMPP_SIM"),
        "{said}"
    );
}

#[test]
fn the_action_hands_each_input_to_the_script_and_has_each_output_from_it() {
    let read = |path: &str| std::fs::read_to_string(repository(path)).expect("read a file");
    let (action, script) = (read("smpp-sim/action.yml"), read("smpp-sim/clients/action/start.sh"));
    assert!(
        action.contains(r#""$GITHUB_ACTION_PATH/clients/action/start.sh""#),
        "{action}"
    );
    let mut expected = String::new();
    for input in ["scenario", "seed", "listen", "http"] {
        let variable = input.to_uppercase();
        assert!(
            action.contains(&format!("\n  {input}:\n    description: ")),
            "{input} is an input"
        );
        writeln!(expected, "        {variable}: ${{{{ inputs.{input} }}}}").expect("write to a text");
        assert!(
            script.contains(&format!("${{{variable}:-}}")),
            "start.sh reads {variable}"
        );
    }
    assert!(action.contains(&expected), "{action}\nlacks\n{expected}");
    for output in ["smpp", "http", "pid"] {
        assert!(
            action.contains(&format!("${{{{ steps.start.outputs.{output} }}}}")),
            "{output} is an output"
        );
        assert!(script.contains(&format!("{output}=%s\\n")), "start.sh writes {output}");
    }
}

/// Without a container: the program itself is in its place, and what is mounted has to be open to the image's user.
#[test]
fn the_example_with_a_container_gets_its_receipt() {
    if skipped() {
        return;
    }
    let lab = Lab::new(programs!(), "clients-testcontainers");
    let program = lab.bin_dir().join("smpp-sim");
    let [example] = blocks("smpp-sim/clients/README.md", "python")
        .try_into()
        .expect("there is one example in Python");
    std::fs::write(lab.directory().join("example.py"), example).expect("write the example");
    let said = run(Command::new("python3")
        .arg(repository("tests/peers/container_example.py"))
        .arg(program)
        .arg("example.py")
        .current_dir(lab.directory()));
    assert!(said.contains("1 passed"), "{said}");
}
