//! A token that a real command prints, and what else a command may do.

use std::io::Read as _;
use std::process::Command;

use reauth::external::TokenCommand;
use reauth::{CredentialSource, Error, ErrorKind};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::*;

/// A script, with `$0` and what follows.
fn sh(script: &str, args: &[&str]) -> TokenCommand {
    TokenCommand::new("sh").args(["-c", script]).args(args)
}

async fn refused(source: TokenCommand) -> Error {
    source.login().await.unwrap_err()
}

/// A pipe with a name, to see when the last process ends that has it open.
struct Alive {
    path: String,
    _folder: Folder,
}

impl Alive {
    fn new() -> Self {
        let folder = Folder::new();
        let path = folder.path("alive").to_str().unwrap().to_owned();
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        Self { path, _folder: folder }
    }

    /// Waits until a process has it open for writing, and returns what waits for the end of all such processes.
    async fn opened(&self) -> oneshot::Receiver<()> {
        let path = self.path.clone();
        let ((is_open, opened), (are_over, ended)) = (oneshot::channel(), oneshot::channel());
        // A thread of its own does not keep a test that fails from ending.
        std::thread::spawn(move || {
            let mut pipe = fs::File::open(path).unwrap();
            is_open.send(()).unwrap();
            let _ = pipe.read_to_end(&mut Vec::new());
            let _ = are_over.send(());
        });
        opened.await.unwrap();
        ended
    }
}

async fn ends(processes: oneshot::Receiver<()>) {
    timeout(seconds(20), processes).await.expect("a process goes on").unwrap();
}

#[tokio::test]
async fn r87_a_command_runs_before_its_token_expires_and_after_a_401() {
    let folder = Folder::new();
    let path = folder.put("token", "opaque-1");
    let watched = Watched::new(TokenCommand::new("cat").args([&path]).renew_after(seconds(400)));
    for _ in 0..100 {
        assert_eq!(watched.token().await, "opaque-1");
    }
    folder.put("token", "opaque-2");
    watched.clock.advance(seconds(301));
    watched.token().await;
    assert_eq!((watched.token().await.as_str(), watched.asked()), ("opaque-2", 2));
    folder.put("token", "opaque-3");
    let used = watched.auth.credentials().await.unwrap();
    assert_eq!(watched.auth.reject(&used).await.unwrap().access_token(), "opaque-3");
    assert_eq!(watched.asked(), 3);
}

#[tokio::test]
async fn r87_without_a_time_a_token_is_used_until_it_is_rejected() {
    let folder = Folder::new();
    let path = folder.put("token", r#"{"accessToken":"at-1"}"#);
    let watched = Watched::new(TokenCommand::new("cat").args([&path]));
    assert_eq!(watched.token().await, "at-1");
    watched.clock.advance(seconds(10 * 86_400));
    assert_eq!((watched.token().await.as_str(), watched.asked()), ("at-1", 1));
}

#[tokio::test]
async fn r87_an_old_jwt_expires_when_it_says() {
    let token = jwt("one", seconds(600), seconds(1200));
    let credentials = sh("echo $0", &[&token]).login().await.unwrap();
    let left = credentials.expires_at().unwrap().duration_since(SystemTime::now()).unwrap();
    assert!(left <= seconds(1200), "{left:?}");
}

#[tokio::test]
async fn r87_a_plugin_of_kubernetes_gets_its_input_and_nothing_on_its_standard_input() {
    let script = r#"cat; test "$EXTRA" = x || exit 7
        echo "$KUBERNETES_EXEC_INFO" | sed 's/"spec":.*/"status":{"token":"at-1","expirationTimestamp":"2099-01-01T00:00:00Z"}}/'"#;
    let credentials = sh(script, &[]).exec_credential().env("EXTRA", "x").login().await.unwrap();
    assert_eq!(credentials.access_token(), "at-1");
    assert!(credentials.expires_at().is_some());
    let error = refused(sh("echo at-1", &[]).exec_credential()).await;
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
    assert!(error.to_string().contains("no `ExecCredential`"), "{error}");
}

#[tokio::test]
async fn f153_a_command_that_fails_says_why_and_shows_no_secret() {
    let token = "ya29.a0AfB-canary-0123456789";
    let script = r#"echo "$1"; echo "not logged in: $1 $2 $PASS"; printf 'run: tool login\033[0m\n' >&2
        echo "$1 $2 $PASS" >&2; yes canary-canary-canary-canary | head -c 100000 >&2; exit 3"#;
    let source = sh(script, &["sh", token, "canary1"]).env("PASS", "canary2");
    let error = refused(source.clone()).await;
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
    let text = error.to_string();
    assert!(text.contains("the command sh failed with the exit code 3 (run: tool login"), "{text}");
    assert!(text.len() < 400 && !text.contains('\u{1b}'), "{text}");
    for told in [text, format!("{error:?}"), format!("{source:?}")] {
        assert!(!told.contains("canary") && !told.contains("ya29"), "{told}");
    }
}

/// A short token, which nothing distinguishes from a word, is known from the output.
#[tokio::test]
async fn f153_what_a_command_printed_is_not_shown_from_its_standard_error() {
    let error = refused(sh("echo canary; echo got canary >&2; exit 1", &[])).await;
    assert!(error.to_string().contains("(got [redacted])"), "{error}");
}

#[tokio::test]
async fn f153_a_command_that_is_killed_or_missing_or_prints_no_token() {
    let killed = refused(sh("kill -9 $$", &[])).await;
    assert!(killed.to_string().contains("was ended by a signal"), "{killed}");
    let missing = refused(TokenCommand::new("/missing/tool")).await;
    assert_eq!(missing.kind(), ErrorKind::Misconfigured);
    assert!(missing.to_string().contains("/missing/tool can't be started"), "{missing}");
    let silent = refused(sh("true", &[])).await;
    assert_eq!(silent.kind(), ErrorKind::InvalidResponse);
    assert!(silent.to_string().contains("printed nothing"), "{silent}");
}

#[tokio::test]
async fn r87_only_the_text_that_the_program_names_is_a_needed_log_in() {
    let script = r#"echo "$0" >&2; exit 1"#;
    for (said, named, kind) in [
        ("run 'tool login' first", "tool login", ErrorKind::LoginRequired),
        ("run 'tool login' first", "other login", ErrorKind::InvalidResponse),
        ("run 'tool login' first", "", ErrorKind::InvalidResponse),
        ("login.example.com can't be reached", "tool login", ErrorKind::InvalidResponse),
    ] {
        let error = refused(sh(script, &[said]).login_required_if(named)).await;
        assert_eq!(error.kind(), kind, "{said}, {named}: {error}");
        assert!(error.to_string().contains("the command sh failed with the exit code 1"), "{error}");
    }
    let either = sh(script, &["please sign in"]).login_required_if("log in").login_required_if("sign in");
    assert_eq!(refused(either).await.kind(), ErrorKind::LoginRequired);
    // What a command prints that succeeds is no failure.
    let well = sh("echo tool login >&2; echo at-1", &[]).login_required_if("tool login");
    assert_eq!(well.login().await.unwrap().access_token(), "at-1");
}

/// Neither failure is one for good: when the user has logged in, the command runs again.
#[tokio::test]
async fn r87_r11_a_command_that_failed_runs_again() {
    for (named, kind) in [(None, ErrorKind::InvalidResponse), (Some("tool login"), ErrorKind::LoginRequired)]
    {
        let folder = Folder::new();
        let path = folder.path("token");
        let script = r#"cat "$0" 2> /dev/null || { echo "run tool login" >&2; exit 1; }"#;
        let mut source = sh(script, &[path.to_str().unwrap()]);
        if let Some(named) = named {
            source = source.login_required_if(named);
        }
        let watched = Watched::new(source);
        for _ in 0..20 {
            assert_eq!(watched.auth.credentials().await.unwrap_err().kind(), kind);
            watched.clock.advance(seconds(600));
        }
        // Within the back-off the same error is returned at once.
        assert_eq!(watched.auth.credentials().await.unwrap_err().kind(), kind);
        let asked = watched.asked();
        assert_eq!(watched.auth.credentials().await.unwrap_err().kind(), kind);
        assert_eq!((watched.asked(), asked), (21, 21), "{named:?}");
        folder.put("token", "at-1");
        watched.clock.advance(seconds(301));
        assert_eq!(watched.token().await, "at-1");
    }
}

#[tokio::test]
async fn f154_a_command_that_prints_without_end_is_ended() {
    let alive = Alive::new();
    let (error, processes) = tokio::join!(refused(sh("exec 3>\"$0\"; yes", &[&alive.path])), alive.opened());
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("more than 64 KiB"), "{error}");
    ends(processes).await;
}

/// Its standard error is read to the end, so that the command is not blocked, and a part of it is kept.
#[tokio::test]
async fn f154_a_megabyte_on_the_standard_error_does_no_harm() {
    let credentials = sh("head -c 1048576 /dev/zero >&2; echo at-1", &[]).login().await.unwrap();
    assert_eq!(credentials.access_token(), "at-1");
}

#[tokio::test]
async fn f154_a_command_that_hangs_is_ended_with_all_that_it_started() {
    let alive = Alive::new();
    let hanging = sh("exec 3>\"$0\"; sleep 60 & (sleep 60; true); wait", &[&alive.path]);
    let asking = tokio::spawn(refused(hanging.timeout(seconds(1000))));
    let processes = alive.opened().await;
    // Nothing is left that the runtime could wait for, except for the limit.
    tokio::time::pause();
    let error = asking.await.unwrap();
    tokio::time::resume();
    assert_eq!(error.kind(), ErrorKind::Transient);
    assert!(error.to_string().contains("took too long and was ended"), "{error}");
    ends(processes).await;
}

#[tokio::test]
async fn f154_a_command_that_nobody_waits_for_any_more_is_ended_with_all_that_it_started() {
    let alive = Alive::new();
    let hanging = sh("exec 3>\"$0\"; sleep 60 & (sleep 60; true); wait", &[&alive.path]);
    let asking = tokio::spawn(refused(hanging));
    let processes = alive.opened().await;
    asking.abort();
    ends(processes).await;
}

#[tokio::test]
async fn f154_a_command_that_leaves_something_behind_is_not_waited_for_and_that_ends() {
    let alive = Alive::new();
    let forking = sh("exec 3>\"$0\"; sleep 60 & echo at-1", &[&alive.path]);
    let (credentials, processes) = tokio::join!(forking.login(), alive.opened());
    assert_eq!(credentials.unwrap().access_token(), "at-1");
    ends(processes).await;
}

/// A runtime for timers alone. A command that was started there would be left behind.
#[test]
fn r87_f171_a_runtime_without_io_is_misconfigured_and_nothing_is_started() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let error = runtime.block_on(refused(sh("exec sleep 7654321", &[])));
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("enable_io"), "{error}");
}
