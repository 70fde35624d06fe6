//! What the provider has seen of a run, by its log.

use std::collections::HashSet;

use serde_json::Value;

use super::idp::Idp;

#[derive(Debug)]
pub struct Ledger(Vec<Value>);

impl Ledger {
    pub fn of(idp: &Idp, run: &str) -> Self {
        let log = idp.access_log();
        Self(log.into_iter().filter(|entry| entry["ev"] == "token" && entry["run"] == run).collect())
    }

    fn count(&self, grant: &str, status: u64) -> usize {
        self.0.iter().filter(|entry| entry["grant_type"] == grant && entry["status"] == status).count()
    }

    pub fn logins(&self) -> usize {
        self.count("password", 200)
    }

    /// Refreshes that the provider has granted.
    pub fn refreshes(&self) -> usize {
        self.count("refresh_token", 200)
    }

    /// Refresh tokens that the provider has refused.
    pub fn refused(&self) -> usize {
        self.0.iter().filter(|entry| entry["error"] == "invalid_grant").count()
    }

    pub fn requests(&self) -> usize {
        self.0.len()
    }

    /// How many refresh tokens were sent more than once.
    pub fn sent_twice(&self) -> usize {
        let mut seen = HashSet::new();
        let spent = self.0.iter().filter_map(|entry| entry["spent"].as_str());
        spent.filter(|spent| !seen.insert(*spent)).count()
    }

    /// Nothing was refused and nobody has logged in but the test, once.
    pub fn assert_clean(&self) {
        assert_eq!((self.refused(), self.sent_twice(), self.logins()), (0, 0, 1), "{self:#?}");
    }
}
