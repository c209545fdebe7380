//! What a test does with a fault of the lab: it panics.

/// The value, or a panic with the fault; it says what the program said last.
pub trait OrFail<T> {
    /// The value.
    fn or_fail(self) -> T;
}

impl<T> OrFail<T> for lab::Result<T> {
    #[track_caller]
    fn or_fail(self) -> T {
        self.unwrap_or_else(|fault| panic!("{fault}"))
    }
}
