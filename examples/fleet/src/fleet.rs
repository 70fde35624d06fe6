//! The parent: it logs in, starts the workers, shows what they report, and does to them what it is told.

use std::process::Stdio;
use std::time::Duration;

use reauth::store::{CredentialStore as _, Holder, RedisStore};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command as Process};
use tokio::signal::ctrl_c;
use tokio::sync::mpsc;
use tokio::time::{interval, sleep, timeout};

use crate::args::Args;
use crate::commands::{self, Command};
use crate::report::Report;
use crate::screen::Screen;
use crate::table::{State, Table};
use crate::{BoxError, login};

/// Returns whether no worker had an error.
pub(crate) async fn run(args: &Args) -> Result<bool, BoxError> {
    let store = login::store(args)?;
    let auth = login::builder(args)?.store(store.clone()).build();
    login::log_in(args, &auth).await?;

    let (reports, received) = mpsc::channel(1024);
    let workers = usize::from(args.workers);
    let mut fleet = Fleet {
        children: (0..workers).map(|_| None).collect(),
        table: Table::new(workers),
        screen: Screen::open(),
        reports,
    };
    let shown = fleet.show(args, &store, received).await;
    fleet.screen.close(&fleet.table);
    auth.log_out().await?;
    shown?;
    Ok(fleet.table.errors() == 0)
}

/// What a worker reports, or that it has ended: which one it is, and the id of its process.
struct Message {
    worker: usize,
    pid: Option<u32>,
    report: Option<Report>,
}

struct Fleet {
    children: Vec<Option<Child>>,
    table: Table,
    screen: Screen,
    reports: mpsc::Sender<Message>,
}

impl Fleet {
    async fn show(
        &mut self,
        args: &Args,
        store: &RedisStore,
        mut received: mpsc::Receiver<Message>,
    ) -> Result<(), BoxError> {
        for worker in 0..self.children.len() {
            self.carry_out(Command::Begin(worker))?;
        }
        self.screen.place_cursor(&self.table);
        let mut typed = commands::lines();
        let mut frames = interval(Duration::from_millis(100));
        let mut looks = interval(Duration::from_millis(500));
        let mut over = std::pin::pin!(at_the_end(args.seconds));
        let mut chance = std::pin::pin!(sleep(Command::next_chance()));
        loop {
            tokio::select! {
                Some(message) = received.recv() => self.heard(message),
                Some(line) = typed.recv() => {
                    match Command::parse(&line, self.children.len()) {
                        Some(Command::Quit) => break,
                        Some(command) => self.carry_out(command)?,
                        None => self.screen.say("not understood: type k, s, c or b and a number, or q"),
                    }
                    self.screen.place_cursor(&self.table);
                }
                () = &mut chance, if args.chaos => {
                    let command = Command::of_chance(&self.table);
                    self.carry_out(command)?;
                    chance.set(sleep(Command::next_chance()));
                }
                _ = looks.tick() => self.look(args, store).await,
                _ = frames.tick() => self.screen.draw(&self.table),
                () = &mut over => break,
            }
        }
        self.end(&mut received).await;
        self.look(args, store).await;
        Ok(())
    }

    fn heard(&mut self, Message { worker, pid, report }: Message) {
        let said = match report {
            Some(report) => self.table.note(worker, report),
            // There is another in its place.
            None if self.table.rows[worker].pid != pid => None,
            None => {
                self.table.rows[worker].state = State::Ended;
                Some("ended".into())
            }
        };
        if let Some(said) = said {
            self.screen.say(&format!("worker {}: {said}", worker + 1));
        }
    }

    fn carry_out(&mut self, command: Command) -> Result<(), BoxError> {
        match command {
            Command::Kill(worker) => self.signal(worker, Signal::KILL, "killed", State::Ended),
            Command::Stop(worker) => self.signal(worker, Signal::STOP, "stopped", State::Stopped),
            Command::Continue(worker) => self.signal(worker, Signal::CONT, "continued", State::Runs),
            Command::Begin(worker) if self.table.rows[worker].state == State::Ended => self.begin(worker)?,
            Command::Begin(_) | Command::Quit => {}
        }
        Ok(())
    }

    fn signal(&mut self, worker: usize, signal: Signal, word: &str, state: State) {
        let row = &mut self.table.rows[worker];
        let id =
            row.pid.filter(|_| row.state != State::Ended).and_then(|pid| Pid::from_raw(pid.cast_signed()));
        // One that has just ended can't be signalled. Its end is reported.
        if id.is_some_and(|id| kill_process(id, signal).is_ok()) {
            row.state = state;
            row.last = word.into();
            self.screen.say(&format!("worker {}: {word}", worker + 1));
        }
    }

    /// Starts a worker: this program, once more.
    fn begin(&mut self, worker: usize) -> Result<(), BoxError> {
        let mut child = Process::new(std::env::current_exe()?)
            .args(std::env::args_os().skip(1))
            .args(["--worker", &worker.to_string()])
            // The workers need no password.
            .env_remove("FLEET_PASSWORD")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            // Ctrl-C is for the parent, which ends the workers in order.
            .process_group(0)
            .spawn()?;
        let row = &mut self.table.rows[worker];
        (row.pid, row.state) = (child.id(), State::Runs);
        row.last = "began".into();
        if let Some(out) = child.stdout.take() {
            let (reports, pid) = (self.reports.clone(), row.pid);
            tokio::spawn(async move {
                let mut lines = BufReader::new(out).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    let report = Report::parse(&line);
                    if report.is_some() {
                        let _ = reports.send(Message { worker, pid, report }).await;
                    }
                }
                let _ = reports.send(Message { worker, pid, report: None }).await;
            });
        }
        self.children[worker] = Some(child);
        Ok(())
    }

    /// Asks Redis and the provider what they know. Neither call changes anything.
    async fn look(&mut self, args: &Args, store: &RedisStore) {
        if let Ok(found) = store.load().await {
            self.table.exchange = found.as_ref().and_then(|entry| entry.open_exchange()).map(Holder::pid);
        }
        if let Some(url) = &args.stats_url {
            self.table.provider = Some(counters(url).await.unwrap_or_else(|error| error.to_string()));
        }
    }

    /// Lets all workers come to their end: each finishes a refresh that is under way.
    async fn end(&mut self, received: &mut mpsc::Receiver<Message>) {
        const LIMIT: Duration = Duration::from_secs(10);
        for worker in 0..self.children.len() {
            if self.table.rows[worker].state == State::Stopped {
                self.signal(worker, Signal::CONT, "continued", State::Runs);
            }
            if let Some(child) = &mut self.children[worker] {
                drop(child.stdin.take());
            }
        }
        let all_ended = async {
            while self.table.rows.iter().any(|row| row.state != State::Ended) {
                let Some(message) = received.recv().await else { return };
                self.heard(message);
            }
        };
        let _ = timeout(LIMIT, all_ended).await;
    }
}

/// Returns after this time, or at Ctrl-C.
async fn at_the_end(seconds: Option<u64>) {
    match seconds {
        Some(seconds) => _ = timeout(Duration::from_secs(seconds), ctrl_c()).await,
        None => _ = ctrl_c().await,
    }
}

/// The numbers of a JSON object, in one line.
async fn counters(url: &str) -> Result<String, BoxError> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(1)).build()?;
    let body = client.get(url).send().await?.error_for_status()?.bytes().await?;
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&body)?;
    let words = object.iter().filter(|(_, value)| value.is_number());
    Ok(words.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", "))
}
