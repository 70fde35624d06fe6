//! The marks of a request whose type has no extensions, or of all requests of one program.

use std::time::Duration;

use crate::authenticator::Authenticator;
use crate::per_request::{NoReplay, ValidFor, WithAuthenticator, WithoutCredentials};

/// What was said about requests beside their extensions.
#[derive(Clone, Default)]
pub struct Marks {
    pub(super) without_credentials: bool,
    pub(super) no_replay: bool,
    pub(super) valid_for: Option<Duration>,
    pub(super) authenticator: Option<Authenticator>,
}

/// A mark of [`per_request`](crate::per_request). This trait is sealed.
pub trait Mark: sealed::Mark {}

impl<M: sealed::Mark> Mark for M {}

pub(super) mod sealed {
    pub trait Mark {
        fn add_to(self, marks: &mut super::Marks);
    }
}

impl sealed::Mark for WithoutCredentials {
    fn add_to(self, marks: &mut Marks) {
        marks.without_credentials = true;
    }
}

impl sealed::Mark for NoReplay {
    fn add_to(self, marks: &mut Marks) {
        marks.no_replay = true;
    }
}

impl sealed::Mark for ValidFor {
    fn add_to(self, marks: &mut Marks) {
        marks.valid_for = Some(self.0);
    }
}

impl sealed::Mark for WithAuthenticator {
    fn add_to(self, marks: &mut Marks) {
        marks.authenticator = Some(self.0);
    }
}
