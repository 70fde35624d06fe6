//! A token in a file: when it is read, and what is wrong with the file.

use std::fs;
use std::process::Command;

use reauth::external::TokenFile;
use reauth::{CredentialSource, Error, ErrorKind};

use super::*;

async fn refused(source: TokenFile) -> Error {
    source.login().await.unwrap_err()
}

/// The whole chain of causes.
fn told(error: &Error) -> String {
    let mut told = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        told += &format!(" {error} {error:?}");
        cause = error.source();
    }
    told
}

#[tokio::test]
async fn r86_a_jwt_is_read_again_before_it_expires_and_not_at_each_request() {
    let folder = Folder::new();
    // It is old: half of its hour is over, so that what counts is its `exp`.
    let path = folder.put("token", jwt("one", seconds(10 * 60), seconds(30 * 60)));
    let watched = Watched::new(TokenFile::new(&path));
    let first = watched.token().await;
    folder.put("token", jwt("two", seconds(0), seconds(60 * 60)));
    for _ in 0..100 {
        watched.clock.advance(seconds(13));
        assert_eq!(watched.token().await, first);
    }
    assert_eq!(watched.asked(), 1);
    // The last quarter has begun: this request uses the first token, and those after it the second.
    watched.clock.advance(seconds(60));
    assert_eq!(watched.token().await, first);
    assert_ne!(watched.token().await, first);
    assert_eq!(watched.asked(), 2);
}

#[tokio::test]
async fn r86_a_token_without_a_time_is_read_again_each_minute_or_as_the_program_says() {
    let folder = Folder::new();
    let path = folder.put("token", " opaque-1\r\n");
    for (renew_after, quiet, due) in
        [(None, 44, 2), (Some(seconds(400)), 299, 2), (Some(seconds(0)), 9000, 9000)]
    {
        folder.put("token", "opaque-1");
        let source = TokenFile::new(&path);
        let source = renew_after.map_or(source.clone(), |time| source.renew_after(time));
        let watched = Watched::new(source);
        assert_eq!(watched.token().await, "opaque-1");
        folder.put("token", "opaque-2");
        watched.clock.advance(seconds(quiet));
        assert_eq!((watched.token().await.as_str(), watched.asked()), ("opaque-1", 1), "{renew_after:?}");
        watched.clock.advance(seconds(due));
        watched.token().await;
        let expected = if due > 100 { ("opaque-1", 1) } else { ("opaque-2", 2) };
        assert_eq!((watched.token().await.as_str(), watched.asked()), expected, "{renew_after:?}");
    }
}

#[tokio::test]
async fn r86_what_the_program_says_counts_before_a_far_expiry() {
    let folder = Folder::new();
    let path = folder.put("token", jwt("one", seconds(0), seconds(365 * 86_400)));
    let watched = Watched::new(TokenFile::new(&path).renew_after(seconds(400)));
    let first = watched.token().await;
    folder.put("token", jwt("two", seconds(0), seconds(365 * 86_400)));
    watched.clock.advance(seconds(301));
    watched.token().await;
    assert_ne!(watched.token().await, first);
    assert_eq!(watched.asked(), 2);
}

#[tokio::test]
async fn r86_f150_a_401_reads_the_file_again_and_the_same_token_is_not_a_new_one() {
    let folder = Folder::new();
    let path = folder.put("token", "opaque-1");
    let watched = Watched::new(TokenFile::new(&path));
    let first = watched.auth.credentials().await.unwrap();
    let error = watched.auth.reject(&first).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{error}");
    // A caller gets its 401, and the token goes on being used.
    assert_eq!((watched.token().await.as_str(), watched.asked()), ("opaque-1", 2));
    folder.put("token", "opaque-2");
    watched.clock.advance(seconds(11));
    assert_eq!(watched.auth.reject(&first).await.unwrap().access_token(), "opaque-2");
    assert_eq!(watched.asked(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r86_a_file_that_is_rotated_under_load_is_read_once_a_change() {
    let folder = Folder::new();
    let path = folder.put("token", "opaque-0");
    let watched = Watched::new(TokenFile::new(&path));
    watched.token().await;
    for change in 1..=20 {
        folder.put("token", format!("opaque-{change}"));
        let stale = watched.auth.credentials().await.unwrap();
        watched.clock.advance(seconds(31));
        let callers: Vec<_> = (0..200)
            .map(|_| {
                let (auth, stale) = (watched.auth.clone(), stale.clone());
                tokio::spawn(async move { auth.reject(&stale).await.unwrap().access_token().to_owned() })
            })
            .collect();
        for caller in callers {
            assert_eq!(caller.await.unwrap(), format!("opaque-{change}"));
        }
    }
    assert_eq!(watched.asked(), 21);
}

/// Kubernetes has `token -> ..data/token` and `..data -> ..2026_1`. It writes `..2026_2`, and renames a new `..data` over the old.
#[cfg(unix)]
#[tokio::test]
async fn r86_f150_the_swap_of_a_symbolic_link_is_followed() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new();
    let projected = |version: &str, token: &str| {
        let directory = folder.path(version);
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("token"), token).unwrap();
        let new = folder.path("..data_tmp");
        symlink(version, &new).unwrap();
        fs::rename(&new, folder.path("..data")).unwrap();
    };
    projected("..2026_1", "opaque-1");
    symlink("..data/token", folder.path("token")).unwrap();
    let watched = Watched::new(TokenFile::new(folder.path("token")));
    let first = watched.auth.credentials().await.unwrap();
    assert_eq!(first.access_token(), "opaque-1");
    projected("..2026_2", "opaque-2");
    fs::remove_dir_all(folder.path("..2026_1")).unwrap();
    assert_eq!(watched.auth.reject(&first).await.unwrap().access_token(), "opaque-2");
}

#[tokio::test]
async fn f151_each_damaged_file_is_an_error_that_names_it_and_shows_nothing_of_it() {
    let folder = Folder::new();
    let expired = jwt("canary", seconds(600), seconds(0));
    for (text, kind, remedy) in [
        (Vec::new(), ErrorKind::Transient, "is empty"),
        (b" \n\t".to_vec(), ErrorKind::Transient, "is empty"),
        (b"eyJhbGciOiJSUzI1NiJ9.canary".to_vec(), ErrorKind::Transient, "a rename"),
        (expired.into_bytes(), ErrorKind::Transient, "has expired"),
        (b"canary canary".to_vec(), ErrorKind::InvalidResponse, "the token alone"),
        (b"canary\0\0\0".to_vec(), ErrorKind::InvalidResponse, "the token alone"),
        (b"canary\xff".to_vec(), ErrorKind::InvalidResponse, "the token alone"),
        (b"canary".repeat(20_000), ErrorKind::Misconfigured, "64 KiB"),
    ] {
        let path = folder.put("token", text);
        let error = refused(TokenFile::new(&path)).await;
        assert_eq!(error.kind(), kind, "{error}");
        let told = told(&error);
        assert!(told.contains(&path.display().to_string()) && told.contains(remedy), "{told}");
        assert!(!told.contains("canary") && !told.contains("eyJ"), "{told}");
    }
    let path = folder.put("token", "x".repeat(TokenFile::MAX_SIZE));
    assert!(TokenFile::new(path).login().await.is_ok());
}

#[tokio::test]
async fn f152_a_file_that_cant_be_read_is_an_error_that_names_it_and_says_what_to_do() {
    let folder = Folder::new();
    let missing = refused(TokenFile::new(folder.path("missing"))).await;
    assert_eq!(missing.kind(), ErrorKind::Transient);
    assert!(
        missing.to_string().contains("missing") && missing.to_string().contains("check its path"),
        "{missing}"
    );
    let directory = refused(TokenFile::new(&folder.0)).await;
    assert_eq!(directory.kind(), ErrorKind::Misconfigured);
    assert!(directory.to_string().contains("name a file"), "{directory}");
    let below = refused(TokenFile::new(folder.put("file", "x").join("token"))).await;
    assert_eq!(below.kind(), ErrorKind::Misconfigured, "{below}");
}

/// To open a pipe that nobody writes to would wait for ever.
#[cfg(unix)]
#[tokio::test]
async fn f152_a_pipe_is_refused_and_not_opened() {
    let folder = Folder::new();
    let pipe = folder.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let error = refused(TokenFile::new(&pipe)).await;
    assert_eq!(error.kind(), ErrorKind::Misconfigured, "{error}");
}

#[tokio::test]
async fn r86_a_missing_file_fails_the_first_log_in_soon_and_is_found_when_it_is_there() {
    let folder = Folder::new();
    let path = folder.path("token");
    let timing = Timing::default().first_login_deadline(Duration::ZERO);
    let clock = StillClock::new();
    let auth = Authenticator::builder(TokenFile::new(&path)).clock(clock.clone()).timing(timing).build();
    assert_eq!(auth.credentials().await.unwrap_err().kind(), ErrorKind::Transient);
    folder.put("token", "opaque-1");
    clock.advance(seconds(1));
    assert_eq!(auth.credentials().await.unwrap().access_token(), "opaque-1");
}
