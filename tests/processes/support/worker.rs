//! A worker, from the side of the test.

use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::server::signal_process;
use super::{PATIENCE, until};
use crate::protocol::{Act, Failure, Order, Reply, SETTINGS, Said, Settings, Step, Told};

pub struct Worker {
    child: Mutex<Child>,
    id: u32,
    orders: mpsc::UnboundedSender<Told>,
    next: AtomicU64,
    said: Arc<Mutex<Vec<Said>>>,
    /// How much it has said.
    length: watch::Receiver<usize>,
}

impl Worker {
    pub fn start(settings: &Settings) -> Self {
        Self::by(Command::new(std::env::current_exe().unwrap()), settings)
    }

    /// In a shell script, which does something first and then `exec "$@"`. `$0` is `argument`. It has mounts of its own.
    pub fn scripted(script: &str, argument: &str, settings: &Settings) -> Self {
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", script, argument]).arg(std::env::current_exe().unwrap());
        Self::by(command, settings)
    }

    fn by(mut command: Command, settings: &Settings) -> Self {
        command.args(["--exact", "process", "--nocapture"]);
        command.env(SETTINGS, serde_json::to_string(settings).unwrap());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let (orders, mut queue) = mpsc::unbounded_channel::<Told>();
        let mut input = child.stdin.take().unwrap();
        tokio::spawn(async move {
            while let Some(told) = queue.recv().await {
                let line = serde_json::to_string(&told).unwrap() + "\n";
                if input.write_all(line.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
        let (grown, length) = watch::channel(0);
        let said = Arc::<Mutex<Vec<Said>>>::default();
        tokio::spawn(listen(child.stdout.take().unwrap(), said.clone(), grown));
        let id = child.id().unwrap();
        Self { child: Mutex::new(child), id, orders, next: AtomicU64::new(0), said, length }
    }

    pub fn id(&self) -> u32 {
        self.id
    }

    /// Tells it to do something, at once. The future is its reply.
    pub fn ask(&self, order: Order) -> impl Future<Output = Reply> + '_ {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let what = format!("{order:?}");
        let _ = self.orders.send(Told { id, order });
        async move {
            self.hears(&what, |said| match said {
                Said::Reply { id: replied, reply } if *replied == id => Some(reply.clone()),
                _ => None,
            })
            .await
        }
    }

    /// Has it do something at the next such step.
    pub async fn arm(&self, step: Step, act: Act) {
        self.ask(Order::At(step, act)).await;
    }

    /// Waits until it has come to a step.
    pub async fn comes_to(&self, step: Step) {
        let at = |said: &Said| matches!(said, Said::At(at) if *at == step).then_some(());
        self.hears(&format!("{step:?}"), at).await;
    }

    /// How many events of this name there were.
    pub fn events(&self, name: &str) -> usize {
        self.event_times(name).len()
    }

    /// When they were, in milliseconds since 1970.
    pub fn event_times(&self, name: &str) -> Vec<u64> {
        let said = self.said.lock().unwrap();
        let time = |said: &Said| match said {
            Said::Event { name: event, at_ms, .. } if event == name => Some(*at_ms),
            _ => None,
        };
        said.iter().filter_map(time).collect()
    }

    pub async fn sees(&self, name: &str) {
        until(name, async || (self.events(name) > 0).then_some(())).await;
    }

    /// Waits for something that it says, now or earlier.
    async fn hears<T>(&self, what: &str, look: impl Fn(&Said) -> Option<T>) -> T {
        let mut length = self.length.clone();
        let mut seen = 0;
        let heard = async {
            loop {
                length.borrow_and_update();
                {
                    let said = self.said.lock().unwrap();
                    if let Some(found) = said[seen..].iter().find_map(&look) {
                        return found;
                    }
                    seen = said.len();
                }
                if length.changed().await.is_err() {
                    panic!("worker {} has ended: {what}; it said {:#?}", self.id, self.said.lock().unwrap());
                }
            }
        };
        let heard = timeout(PATIENCE, heard).await;
        heard.unwrap_or_else(|_| {
            panic!("worker {} does not do {what}; it said {:#?}", self.id, self.said.lock().unwrap())
        })
    }

    pub fn signal(&self, signal: &str) {
        signal_process(self.id, signal);
    }

    /// Has it begin something, and stops the process when that comes to a step.
    pub async fn stops_at(&self, step: Step, order: Order) {
        self.arm(step, Act::Hold).await;
        drop(self.ask(order));
        self.comes_to(step).await;
        self.stops().await;
    }

    /// Stops the process.
    pub async fn stops(&self) {
        self.signal("STOP");
        let stat = format!("/proc/{}/stat", self.id);
        until("it stops", async || {
            let text = std::fs::read_to_string(&stat).unwrap();
            text.rsplit_once(") ").unwrap().1.starts_with('T').then_some(())
        })
        .await;
    }

    /// The opposite.
    pub async fn goes_on(&self) {
        self.signal("CONT");
        self.ask(Order::Go).await.done();
    }

    /// Waits for its end. Returns its exit code, if it ended by itself.
    pub async fn ends(&self) -> Option<i32> {
        until("it ends", async || self.child.lock().unwrap().try_wait().unwrap()).await.code()
    }
}

async fn listen(output: ChildStdout, said: Arc<Mutex<Vec<Said>>>, grown: watch::Sender<usize>) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        // The first line begins with what the test harness says.
        let Some(line) = line.find('{').map(|start| &line[start..]) else { continue };
        match serde_json::from_str(line) {
            Ok(one) => said.lock().unwrap().push(one),
            Err(_) => eprintln!("a worker said {line}"),
        }
        grown.send_modify(|length| *length += 1);
    }
}

impl Reply {
    /// The fingerprint of a token.
    #[track_caller]
    pub fn token(self) -> u64 {
        match self {
            Self::Token { token, .. } => token,
            other => panic!("no token: {other:?}"),
        }
    }

    #[track_caller]
    pub fn failure(self) -> Failure {
        match self {
            Self::Failed(failure) => failure,
            other => panic!("it did not fail: {other:?}"),
        }
    }

    #[track_caller]
    pub fn done(self) {
        assert!(matches!(self, Self::Done), "{self:?}");
    }
}
