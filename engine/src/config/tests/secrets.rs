//! Passwords: read from files, and never shown.

use super::*;

#[test]
fn a_password_is_never_shown() {
    let secret = "hunter2é";
    let text = CONTRACT.replace("\"secret\"", &format!("\"{secret}\""));
    assert!(!parse(&text).unwrap_err().to_string().contains(secret));
    let url = CONTRACT.replace("redis://", &format!("http://{secret}@"));
    assert!(!parse(&url).unwrap_err().to_string().contains(secret));
    assert!(!format!("{:?}", parse(CONTRACT).unwrap()).contains("secret\""));
}

#[test]
fn a_password_file_is_read_from_the_folder_of_the_configuration() {
    let folder = std::env::temp_dir().join(format!("campanile-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("north.password"), "from file\n").unwrap();
    let path = folder.join("campanile.toml");
    std::fs::write(
        &path,
        CONTRACT.replace("password = \"secret\"", "password_file = \"north.password\""),
    )
    .unwrap();
    assert_eq!(Config::load(&path).unwrap().smsc[0].password.reveal(), "from file");

    std::fs::write(
        &path,
        CONTRACT.replace("password = \"secret\"", "password_file = \"none\""),
    )
    .unwrap();
    assert!(
        Config::load(&path)
            .unwrap_err()
            .to_string()
            .contains("campanile.toml:12: smsc[0].password_file: \"none\"")
    );
    for empty in ["", "\n"] {
        std::fs::write(folder.join("empty"), empty).unwrap();
        let config = CONTRACT.replace("password = \"secret\"", "password_file = \"empty\"");
        let said = Config::parse(&config, &folder.join("campanile.toml"), [])
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("smsc[0].password_file: the first line of \"empty\" must be 1 to 64 ASCII"),
            "{said}"
        );
    }
    let both = CONTRACT.replace("bind =", "password_file = \"north.password\"\nbind =");
    std::fs::write(&path, both).unwrap();
    assert!(
        Config::load(&path)
            .unwrap_err()
            .to_string()
            .contains("give one of them")
    );
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(Config::load(&path).unwrap_err().to_string().contains("cannot be read"));
}
