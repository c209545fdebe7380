//! What the images would be, without building them.

use std::process::Command;

use campanile_tests::{Lab, programs};

use crate::deploy::common::{read, repository, run};

#[test]
fn images_have_their_program_a_user_and_certificates_and_nothing_else() {
    let lab = Lab::new(programs!(), "deploy-images");
    let said = run(Command::new(repository().join("deploy/docker/check.sh")).arg(lab.bin_dir()));
    println!("{said}");
    assert!(
        said.contains("the layouts of both images are as they should be"),
        "{said}"
    );
}

#[test]
fn each_image_has_a_stage_of_its_own_that_runs_as_nobody() {
    let dockerfile = read("deploy/docker/Dockerfile");
    let stages: Vec<&str> = dockerfile.split("\nFROM ").skip(2).collect();
    assert_eq!(stages.len(), 3, "engine, simulator, load tester");
    for stage in stages {
        assert!(stage.starts_with("scratch AS "), "the smallest base is none: {stage}");
        assert!(stage.contains("\nUSER 65532:65532\n"), "{stage}");
        assert!(!stage.contains("\nRUN "), "there is no shell: {stage}");
    }
    let checks = dockerfile.matches("\nHEALTHCHECK ").count();
    assert_eq!(checks, 2, "what serves is looked at");
}
