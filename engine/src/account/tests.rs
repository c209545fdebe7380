use super::digests::Digests;
use super::*;
use crate::store::KeyOwner;

#[test]
fn keys_differ_and_only_digests_are_kept() {
    let (first, second) = (key::generate("sk_live_").unwrap(), key::generate("sk_live_").unwrap());
    assert_ne!(first, second);
    assert_eq!((first.len(), &first[..8]), (40, "sk_live_"));
    // FIPS 180-2, B.1.
    let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(key::hexadecimal(&key::digest("abc")), known);
}

fn opened(owner: KeyOwner) -> Opened {
    let bounds = Arc::default();
    Opened { owner, bounds }
}

#[test]
fn keys_are_forgotten_after_their_time_and_are_never_too_many() {
    let (digests, now) = (Digests::default(), Clock::new().now());
    let digest = |number: usize| key::digest(&number.to_string());
    digests.add(digest(0), opened(KeyOwner::Operator), (digests.look(), now));
    assert_eq!(digests.get(&digest(0), now), Some(opened(KeyOwner::Operator)));
    assert_eq!(digests.get(&digest(1), now), None);
    assert_eq!(digests.get(&digest(0), now + Digests::LIFE), None);
    for number in 0..Digests::MAX + 10 {
        digests.add(
            digest(number),
            opened(KeyOwner::Tenant(TenantId(1))),
            (digests.look(), now),
        );
    }
    assert!(digests.len() <= Digests::MAX);
}

#[test]
fn what_was_read_before_a_change_is_not_remembered_after_it() {
    let (digests, now) = (Digests::default(), Clock::new().now());
    let digest = key::digest("a");
    let look = digests.look();
    digests.forget(&key::hexadecimal(&digest));
    digests.add(digest, opened(KeyOwner::Operator), (look, now));
    assert_eq!(digests.get(&digest, now), None);
}

#[test]
fn texts_have_bounds() {
    assert_eq!(check_text("/name", " ", 5, true)[0].problem, FieldProblem::Empty);
    assert_eq!(
        check_text("/name", "é".repeat(6).as_str(), 5, true)[0].problem,
        FieldProblem::TooLong { max: 5, given: 6 }
    );
    assert!(check_text("/reference", "", 5, false).is_empty());
}
