//! A log-in that waits for a person, and its callers: one prompt, however many wait, and for however long.

use super::*;

fn patient(source: DeviceCode, patience: Option<u64>) -> Authenticator {
    let timing = Timing::default().without_jitter();
    let timing = patience.map_or(timing.clone(), |patience| timing.login_patience(seconds(patience)));
    Authenticator::builder(source).clock(TestClock::new()).timing(timing).build()
}

#[tokio::test(start_paused = true)]
async fn r90_f159_all_callers_wait_for_one_prompt_beyond_the_deadline_of_a_flight() {
    let provider = Provider::confirmed_after(seconds(600));
    let auth = authenticator(provider.source());
    let mut callers = Vec::new();
    for _ in 0..50 {
        callers.push(caller(&auth).await);
        sleep(seconds(10)).await;
    }
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-1");
    }
    assert_eq!(provider.prompts(), 1);
}

#[tokio::test(start_paused = true)]
async fn r90_callers_who_do_not_wait_get_an_error_that_says_so_and_the_log_in_goes_on() {
    for patience in [0, 20] {
        let provider = Provider::confirmed_after(seconds(300));
        let auth = patient(provider.source(), Some(patience));
        let start = Instant::now();
        for _ in 0..3 {
            let error = auth.credentials().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::LoginRequired);
            assert!(error.to_string().contains("a log-in waits for the user"), "{error}");
            // Those who come later do not wait again.
            assert_eq!(start.elapsed().as_secs(), patience);
        }
        assert!(auth.refresh().await.is_err());
        assert_eq!(start.elapsed().as_secs(), patience);
        auth.settled().await;
        assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
        assert_eq!(provider.prompts(), 1);
    }
}

/// The default is to wait, and a caller can give up by itself.
#[tokio::test(start_paused = true)]
async fn r90_a_caller_that_goes_away_does_not_end_the_log_in() {
    let provider = Provider::confirmed_after(seconds(300));
    let auth = authenticator(provider.source());
    assert!(tokio::time::timeout(seconds(5), auth.credentials()).await.is_err());
    assert_eq!(auth.credentials().await.unwrap().access_token(), "at-1");
    assert_eq!(provider.prompts(), 1);
}

#[tokio::test(start_paused = true)]
async fn r90_a_log_in_that_nobody_completes_ends_and_does_not_prompt_again_at_once() {
    let provider = Provider::new(CODE, |_, _| Provider::pending());
    let auth = authenticator(provider.source().login_limit(seconds(120)));
    let start = Instant::now();
    let error = auth.credentials().await.unwrap_err();
    assert_eq!((error.kind(), start.elapsed()), (ErrorKind::LoginRequired, seconds(120)));
    assert!(error.to_string().contains("in time"), "{error}");
    assert!(auth.credentials().await.is_err());
    assert_eq!(provider.prompts(), 1);
    advance(seconds(6)).await;
    let _again = caller(&auth).await;
    assert_eq!(provider.prompts(), 2);
}

/// Sets this when it is dropped.
struct Dropped(Arc<Mutex<bool>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        *self.0.lock().unwrap() = true;
    }
}

#[tokio::test(start_paused = true)]
async fn r90_f160_a_log_out_ends_the_prompt_and_the_polling() {
    let provider = Provider::new(CODE, |_, _| Provider::pending());
    let is_dropped = Arc::<Mutex<bool>>::default();
    let marker = is_dropped.clone();
    let source = provider.source_with(move |_| {
        let dropped = Dropped(marker.clone());
        async move {
            let _dropped = dropped;
            std::future::pending().await
        }
    });
    let auth = authenticator(source);
    let waiting = caller(&auth).await;
    sleep(seconds(12)).await;
    assert!(!*is_dropped.lock().unwrap());
    auth.log_out().await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap_err().kind(), ErrorKind::LoginRequired);
    auth.settled().await;
    assert!(*is_dropped.lock().unwrap());
    sleep(seconds(100)).await;
    assert_eq!(provider.polled(), [5, 10]);
}

#[tokio::test(start_paused = true)]
async fn r90_credentials_that_the_program_sets_end_the_prompt() {
    let provider = Provider::new(CODE, |_, _| Provider::pending());
    let auth = authenticator(provider.source());
    let waiting = caller(&auth).await;
    sleep(seconds(12)).await;
    auth.set_credentials(credentials("at-9", None, None)).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().access_token(), "at-9");
    auth.settled().await;
    sleep(seconds(100)).await;
    assert_eq!(provider.polled(), [5, 10]);
}

#[tokio::test(start_paused = true)]
async fn r90_f108_processes_that_share_a_store_prompt_the_user_once() {
    let provider = Provider::confirmed_after(seconds(600));
    let store = MemoryStore::new();
    let processes: Vec<_> = (0..5)
        .map(|_| {
            let timing = Timing::default().without_jitter();
            let builder = Authenticator::builder(provider.source()).clock(TestClock::new());
            builder.timing(timing).store(store.clone()).build()
        })
        .collect();
    let mut callers = Vec::new();
    for process in &processes {
        callers.push(caller(process).await);
        sleep(seconds(1)).await;
    }
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap().access_token(), "at-1");
    }
    assert_eq!(provider.prompts(), 1);
}

/// The other process waits for the user; here nobody has to.
#[tokio::test(start_paused = true)]
async fn r90_callers_need_not_wait_for_the_user_of_another_process() {
    let provider = Provider::confirmed_after(seconds(600));
    let store = MemoryStore::new();
    let process = |patience: Option<u64>| {
        let timing = Timing::default().without_jitter();
        let timing = patience.map_or(timing.clone(), |patience| timing.login_patience(seconds(patience)));
        let builder = Authenticator::builder(provider.source()).clock(TestClock::new());
        builder.timing(timing).store(store.clone()).build()
    };
    let (one, other) = (process(None), process(Some(10)));
    let waiting = caller(&one).await;
    sleep(seconds(1)).await;
    let start = Instant::now();
    let error = other.credentials().await.unwrap_err();
    assert!(error.to_string().contains("a log-in waits for the user"), "{error}");
    assert_eq!(start.elapsed(), seconds(10));
    assert!(waiting.await.unwrap().is_ok());
    other.settled().await;
    assert_eq!(other.credentials().await.unwrap().access_token(), "at-1");
    assert_eq!(provider.prompts(), 1);
}

/// The user of one process lets the prompt pass. Then the other process prompts, and its user has the whole time.
#[tokio::test(start_paused = true)]
async fn r90_f159_a_prompt_that_follows_the_one_of_another_process_has_the_time_of_a_person() {
    let providers =
        [Provider::new(CODE, |_, _| Provider::pending()), Provider::confirmed_after(seconds(560))];
    let store = MemoryStore::new();
    let [one, other] = [0, 1].map(|n: usize| {
        let timing = Timing::default().without_jitter();
        let source = providers[n].source().login_limit(seconds(300));
        Authenticator::builder(source).clock(TestClock::new()).timing(timing).store(store.clone()).build()
    });
    let first = caller(&one).await;
    sleep(seconds(1)).await;
    let second = caller(&other).await;
    assert_eq!(first.await.unwrap().unwrap_err().kind(), ErrorKind::LoginRequired);
    assert_eq!(second.await.unwrap().unwrap().access_token(), "at-1");
    assert_eq!((providers[0].prompts(), providers[1].prompts()), (1, 1));
}
