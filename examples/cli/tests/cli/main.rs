//! The program as a user runs it, against the real identity provider of `tests/idp`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failure here fails the test")]

#[allow(dead_code, reason = "what several test programs share")]
#[path = "../../../../tests/idp/provider.rs"]
mod provider;
mod support;

use std::fs;
use std::path::PathBuf;

use provider::Provider;
use support::{Run, SECRETS, User, login};

#[test]
fn a_second_run_needs_no_password_and_ten_at_once_make_one_refresh() {
    let provider = Provider::start(2);
    let (mut user, echo) = (User::new(), provider.setting("ECHO_URL"));
    user.log_in(&provider, "default");
    let first = [user.token("default.json", "access_token"), user.token("default.json", "refresh_token")];
    let run = user.run(&["get", echo], "");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.contains(r#""sub":"alice""#), "{}", run.stdout);
    let run = user.run(&["whoami"], "");
    assert_eq!(run.stdout.split_whitespace().collect::<Vec<_>>(), ["sub", "alice"]);

    user.wait_for_expiry();
    // No other refresh is due before the end of the test.
    provider.set_access_ttl(600);
    let before = provider.count("token.total");
    let runs: Vec<_> = (0..10).map(|_| user.start(&["get", echo], "")).collect();
    for run in runs {
        let run = user.end(run);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        assert!(run.stdout.contains(r#""sub":"alice""#), "{}", run.stdout);
    }
    assert_eq!(provider.count("token.total") - before, 1);
    let second = [user.token("default.json", "access_token"), user.token("default.json", "refresh_token")];
    assert_ne!(first, second);
    let tokens = first.iter().chain(&second).map(String::as_str);
    user.kept_secret(&tokens.chain(["portal-secret", "alice-pw-1"]).collect::<Vec<_>>());
}

#[test]
fn f84_status_never_refreshes() {
    let provider = Provider::start(1);
    let mut user = User::new();
    user.log_in(&provider, "default");
    let before = (provider.stats(), fs::read(user.file("default.json")).unwrap());
    user.wait_for_expiry();
    let run = user.run(&["status"], "");
    assert_eq!(run.code, 0);
    assert!(run.stdout.contains("expired"), "{}", run.stdout);
    assert_eq!((provider.stats(), fs::read(user.file("default.json")).unwrap()), before);
}

#[test]
fn status_names_the_process_that_refreshes() {
    let provider = Provider::start(600);
    let mut user = User::new();
    user.log_in(&provider, "default");
    let file = user.file("default.json");
    let text = fs::read_to_string(&file).unwrap();
    let intent = r#""intent":{"id":"00000000000000aa","pid":4711,"host":"web-3","since":1000}"#;
    fs::write(&file, format!("{},{intent}}}", text.trim_end().strip_suffix('}').unwrap())).unwrap();
    let run = user.run(&["status"], "");
    assert!(run.stdout.contains("by process 4711 on web-3 since Thu, 01 Jan 1970"), "{}", run.stdout);
}

#[test]
fn a_log_out_revokes_and_the_next_get_says_to_log_in() {
    let provider = Provider::start(600);
    let mut user = User::new();
    user.log_in(&provider, "default");
    let tokens = ["access_token", "refresh_token"].map(|name| user.token("default.json", name));
    assert!(tokens.iter().all(|token| provider.knows(token)));

    let run = user.run(&["logout"], "");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("revoked"), "{}", run.stderr);
    assert!(!tokens.iter().any(|token| provider.knows(token)));
    for command in [&["get", provider.setting("ECHO_URL")][..], &["whoami"], &["status"]] {
        let run = user.run(command, "");
        assert_eq!(run.code, 3, "{command:?}");
        assert!(run.stderr.contains("run `reauth-cli login`"), "{}", run.stderr);
    }
    let run = user.run(&["logout"], "");
    assert!(run.code == 0 && run.stderr.contains("already"), "{}", run.stderr);

    // The next log-in knows all but the password.
    let run = user.run(&["login"], "alice-pw-1\n");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(user.run(&["get", provider.setting("ECHO_URL")], "").code, 0);
    user.kept_secret(&tokens.each_ref().map(String::as_str));
}

#[test]
fn profiles_are_kept_apart_and_their_names_may_have_a_slash() {
    let provider = Provider::start(600);
    let (mut user, base) = (User::new(), provider.setting("BASE_URL"));
    user.log_in(&provider, "work");
    let bob = ["--profile", "../a/b", "login", "pilot", "--url", base, "--user", "bob"];
    let run = user.run(&bob, "p%41+&=: päß\n");
    assert_eq!(run.code, 0, "{}", run.stderr);
    for (profile, name) in [("work", "alice"), ("../a/b", "bob")] {
        let run = user.run(&["--profile", profile, "get", provider.setting("ECHO_URL")], "");
        assert!(
            run.stdout.contains(&format!(r#""sub":"{name}""#)),
            "{profile}: {} {}",
            run.stdout,
            run.stderr
        );
    }
    assert_eq!(fs::read_dir(user.folder.path()).unwrap().count(), 1, "nothing is outside of the directory");

    assert_eq!(user.run(&["--profile", "work", "logout"], "").code, 0);
    let run = user.run(&["--profile", "work", "get", provider.setting("ECHO_URL")], "");
    assert!(run.stderr.contains("run `reauth-cli --profile work login`"), "{}", run.stderr);
    assert_eq!(user.run(&["--profile", "../a/b", "get", provider.setting("ECHO_URL")], "").code, 0);
}

#[test]
fn a_profile_in_use_is_not_given_to_another_provider() {
    let provider = Provider::start(600);
    let mut user = User::new();
    user.log_in(&provider, "default");
    let before = fs::read(user.file("default.json")).unwrap();
    let run = user.run(&["login", "vathos", "--client-id", "device", "--user", "alice"], SECRETS);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("log out first"), "{}", run.stderr);
    assert_eq!(fs::read(user.file("default.json")).unwrap(), before);
}

#[test]
fn what_a_user_can_get_wrong_is_said_in_words() {
    let provider = Provider::start(600);
    let (mut user, echo) = (User::new(), provider.setting("ECHO_URL"));
    let says = |run: Run, code: i32, words: &str| {
        assert_eq!(run.code, code, "{}", run.stderr);
        assert!(run.stderr.starts_with("error: ") && run.stderr.contains(words), "{}", run.stderr);
    };
    says(user.run(&["get", echo], ""), 3, "run `reauth-cli login`");
    says(user.run(&["login"], ""), 2, "reauth-cli login --help");
    says(user.run(&login(&provider, "default"), "portal-secret\nwrong-password\n"), 3, "refused");
    says(user.run(&login(&provider, "default"), "wrong-secret\nalice-pw-1\n"), 2, "secret");
    says(user.run(&login(&provider, "default"), ""), 2, "there is no client secret");
    says(user.run(&["get", echo], ""), 3, "run `reauth-cli login`");

    user.log_in(&provider, "default");
    says(user.run(&["get", "https://example.com/"], ""), 2, "nothing was sent");
    says(user.run(&["get", &format!("{}/nowhere", provider.setting("BASE_URL"))], ""), 1, "404");
    user.kept_secret(&["wrong-password", "wrong-secret", "portal-secret", "alice-pw-1"]);
}

#[test]
fn a_provider_that_is_away_ends_no_login() {
    let provider = Provider::start(1);
    let (mut user, echo) = (User::new(), provider.setting("ECHO_URL").to_owned());
    user.log_in(&provider, "default");
    let again = login(&provider, "default").iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    user.wait_for_expiry();
    let token = user.token("default.json", "refresh_token");
    drop(provider);
    let again: Vec<&str> = again.iter().map(String::as_str).collect();
    let run = user.run(&again, SECRETS);
    assert_eq!(run.code, 4, "{}", run.stderr);
    assert!(run.stderr.contains("can't be reached"), "{}", run.stderr);
    let mut process = user.start(&["get", &echo], "");
    // It tries for half a minute, and a user may not want to wait.
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(user.token("default.json", "refresh_token"), token);
    assert!(user.run(&["status"], "").stdout.contains("logged in"));
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_what_is_stored() {
    use std::os::unix::fs::PermissionsExt as _;
    let provider = Provider::start(600);
    let mut user = User::new();
    user.log_in(&provider, "default");
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(user.file("")), 0o700);
    for name in ["default.json", "default.settings.json"] {
        assert_eq!(mode(user.file(name)), 0o600, "{name}");
    }
}
