use proptest::prelude::*;

use super::*;

fn text_key() -> TextKey {
    TextKey::generate().unwrap()
}

proptest! {
    #![proptest_config(crate::test_cases(300))]

    /// What was encrypted comes back, and nothing that was changed does.
    #[test]
    fn what_is_closed_is_opened_and_no_octet_may_be_changed(
        variables in proptest::collection::vec(any::<u8>(), 1..300),
        at: proptest::sample::Index,
    ) {
        let cipher = Cipher::new(&text_key()).unwrap();
        let mut closed = cipher.close(&variables).unwrap().into_owned();
        prop_assert_eq!(closed[0], ENCRYPTED);
        prop_assert_eq!(closed.len(), 1 + NONCE_LEN + variables.len() + 16);
        prop_assert_eq!(cipher.open(&closed).unwrap(), &variables[..]);
        // The first octet says that it is encrypted at all.
        let at = 1 + at.index(closed.len() - 1);
        closed[at] ^= 1;
        prop_assert_eq!(cipher.open(&closed), Err(EncryptionFault::Unreadable));
    }
}

#[test]
fn the_same_text_twice_looks_like_two() {
    let key = text_key();
    let [one, other] = [0, 1].map(|_| key.own().encrypt("Bonjour Zoé".as_bytes()).unwrap());
    assert_ne!(one, other);
    assert!(!one.windows(4).any(|octets| octets == b"Bonj"));
    let text = key.own().encrypt_text("Bonjour Zoé").unwrap();
    assert_eq!(key.own().decrypt_text(&text).unwrap(), "Bonjour Zoé");
}

#[test]
fn a_campaign_is_read_with_its_tenants_key_and_its_salt_and_with_no_other() {
    let (key, another) = (text_key(), text_key());
    let cipher = Cipher::new(&key).unwrap();
    let closed = cipher.close(b"\0\x03Zoe").unwrap();
    let stored = cipher.as_stored().unwrap();
    let again = Cipher::stored(stored, &key).unwrap();
    assert_eq!(again.open(&closed).unwrap(), &b"\0\x03Zoe"[..]);
    assert!(matches!(Cipher::stored(stored, &another), Ok(Cipher::Erased)));
    let sibling = Cipher::new(&key).unwrap();
    assert_eq!(sibling.open(&closed), Err(EncryptionFault::Unreadable));
    assert_eq!(Cipher::Erased.open(&closed), Err(EncryptionFault::Erased));
    assert_eq!(Cipher::Plain.open(&closed), Err(EncryptionFault::Unreadable));
}

#[test]
fn what_an_earlier_version_kept_is_read_as_it_is_and_nothing_stays_nothing() {
    let cipher = Cipher::new(&text_key()).unwrap();
    assert_eq!(cipher.open(b"\0\x03Zoe").unwrap(), &b"\0\x03Zoe"[..]);
    assert_eq!(cipher.close(b"").unwrap(), &b""[..]);
    assert_eq!(Cipher::Plain.close(b"\0\x03Zoe").unwrap(), &b"\0\x03Zoe"[..]);
}

#[test]
fn a_key_file_is_made_for_its_owner_and_read_again() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys/campanile.key");
    assert!(MasterKeys::read(&path).unwrap().is_none());
    let made = MasterKeys::make(&path).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let key = text_key();
    let wrapped = made.wrap(&key).unwrap();
    let read = MasterKeys::read(&path).unwrap().unwrap();
    let unwrapped = read.unwrap(&wrapped).unwrap();
    assert_eq!((unwrapped.key.id, unwrapped.is_old), (key.id, false));
    // Who makes it a second time has the first.
    assert!(MasterKeys::make(&path).unwrap().unwrap(&wrapped).is_ok());
}

#[test]
fn a_new_first_line_encrypts_from_then_on_and_the_second_still_decrypts() {
    let folder = tempfile::tempdir().unwrap();
    let [old, new] = ["old", "new"].map(|name| folder.path().join(name));
    let wrapped = MasterKeys::make(&old).unwrap().wrap(&text_key()).unwrap();
    let alone = MasterKeys::make(&new).unwrap();
    assert!(matches!(alone.unwrap(&wrapped), Err(EncryptionFault::Unreadable)));
    let lines = [&new, &old].map(|path| std::fs::read_to_string(path).unwrap());
    std::fs::write(&new, format!("# rotated\n\n{}{}", lines[0], lines[1])).unwrap();
    let both = MasterKeys::read(&new).unwrap().unwrap();
    let unwrapped = both.unwrap(&wrapped).unwrap();
    assert!(unwrapped.is_old);
    assert!(alone.unwrap(&both.wrap(&unwrapped.key).unwrap()).is_ok());
}

#[test]
fn what_is_no_key_is_named_by_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    for (text, line) in [("", 1), ("# nothing\n", 1), ("\nabc\n", 2), ("YWJj\n", 1)] {
        std::fs::write(&path, text).unwrap();
        let fault = MasterKeys::read(&path).err().unwrap().to_string();
        assert!(fault.contains(&format!("line {line} of")), "{fault}");
    }
}
