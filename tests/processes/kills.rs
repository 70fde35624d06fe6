//! The process that refreshes is killed, at each step. The others go on by themselves.

use crate::protocol::{Act, Order, Reply, Step};
use crate::support::{Kind, Ledger, Stage, together};

/// What the others saw, and what the provider saw.
async fn kill_at(stage: Stage, step: Step, logs_in: bool) {
    let name = format!("kill-{step:?}-{logs_in}");
    let run = stage.run(&name).logs_in(logs_in);
    let [first, others @ ..] = run.workers::<4>().await;
    first.arm(step, Act::Kill).await;
    drop(first.ask(Order::Refresh));
    first.comes_to(step).await;
    let going_on: Vec<_> = others.iter().map(|other| other.ask(Order::NewToken)).collect();
    assert_eq!(first.ends().await, None, "it was killed");

    let mut replies = Vec::new();
    for reply in going_on {
        replies.push(reply.await);
    }
    let ledger = run.ledger();
    println!(
        "{:?} {name}: {} refreshes, {} log-ins, {} refused",
        stage.kind,
        ledger.refreshes(),
        ledger.logins() - 1,
        ledger.refused()
    );
    judge(&ledger, step, logs_in, &replies);
}

fn judge(ledger: &Ledger, step: Step, logs_in: bool, replies: &[Reply]) {
    let have_tokens = replies.iter().all(|reply| matches!(reply, Reply::Token { .. }));
    if !step.is_unsaved() {
        assert!(have_tokens, "{replies:#?}");
        return ledger.assert_clean();
    }
    // What the provider issued is lost with the process that got it, so one other has sent the refresh token again.
    assert_eq!(ledger.sent_twice(), 1, "{ledger:#?}");
    assert_eq!(ledger.refused(), 1, "{ledger:#?}");
    if logs_in {
        assert!(have_tokens, "{replies:#?}");
        assert_eq!(ledger.logins(), 2, "{ledger:#?}");
        return;
    }
    assert_eq!(ledger.logins(), 1, "{ledger:#?}");
    for reply in replies {
        assert_eq!(reply.clone().failure().kind, "LoginRequired");
    }
}

async fn kill_at_each_step(kind: Kind) {
    let stage = Stage::new(kind, 2).await;
    let cases = Step::ALL.iter().flat_map(|step| [(*step, true), (*step, false)]);
    together(cases.map(|(step, logs_in)| kill_at(stage.clone(), step, logs_in))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider; scripts/test runs it"]
async fn f66_f85_a_kill_at_any_step_costs_processes_on_a_file_a_login_only_between_commit_and_save() {
    kill_at_each_step(Kind::Files).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the identity provider and redis-server; scripts/test runs it"]
async fn f66_f85_a_kill_at_any_step_costs_processes_on_redis_a_login_only_between_commit_and_save() {
    kill_at_each_step(Kind::Redis).await;
}
