use super::digests::Digests;
use super::*;

#[test]
fn keys_differ_and_only_digests_are_kept() {
    let (first, second) = (key::generate("sk_live_").unwrap(), key::generate("sk_live_").unwrap());
    assert_ne!(first, second);
    assert_eq!((first.len(), &first[..8]), (40, "sk_live_"));
    // FIPS 180-2, B.1.
    let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(key::hexadecimal(&key::digest("abc")), known);
}

#[test]
fn owners_are_forgotten_after_their_time_and_are_never_too_many() {
    let (digests, now) = (Digests::default(), Clock::new().now());
    let digest = |number: usize| key::digest(&number.to_string());
    digests.add(digest(0), KeyOwner::Operator, now);
    assert_eq!(digests.get(&digest(0), now), Some(KeyOwner::Operator));
    assert_eq!(digests.get(&digest(1), now), None);
    assert_eq!(digests.get(&digest(0), now + Digests::LIFE), None);
    for number in 0..Digests::MAX + 10 {
        digests.add(digest(number), KeyOwner::Tenant(TenantId(1)), now);
    }
    assert!(digests.len() <= Digests::MAX);
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
