//! The calls that the client makes of its source and its store. Each is a note for the runner, which answers it later.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot};

#[derive(Clone, Default)]
pub struct Calls(Arc<Shared>);

#[derive(Default)]
struct Shared {
    inner: Mutex<Inner>,
    noted: Notify,
}

#[derive(Default)]
struct Inner {
    notes: Vec<Value>,
    last: u64,
    open: BTreeMap<u64, oneshot::Sender<Value>>,
}

impl Calls {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.inner.lock().unwrap()
    }

    pub fn note(&self, note: Value) {
        self.lock().notes.push(note);
        self.0.noted.notify_one();
    }

    pub fn take_notes(&self) -> Vec<Value> {
        std::mem::take(&mut self.lock().notes)
    }

    pub fn has_notes(&self) -> bool {
        !self.lock().notes.is_empty()
    }

    /// Waits until there is something for the runner.
    pub async fn noted(&self) {
        while !self.has_notes() {
            self.0.noted.notified().await;
        }
    }

    /// Makes a call. It is given up if what is returned is dropped before the answer.
    pub fn call(&self, what: &str, fields: Value) -> Call {
        let (sender, answer) = oneshot::channel();
        let id = {
            let inner = &mut *self.lock();
            inner.last += 1;
            inner.open.insert(inner.last, sender);
            inner.last
        };
        let mut note = json!({ "note": "call", "id": id, "what": what });
        if let (Some(note), Value::Object(fields)) = (note.as_object_mut(), fields) {
            note.extend(fields);
        }
        self.note(note);
        Call { calls: self.clone(), id, answer: Some(answer) }
    }

    /// A call whose answer nobody waits for.
    pub fn tell(&self, what: &str, fields: Value) {
        let call = self.call(what, fields);
        self.lock().open.remove(&call.id);
    }

    pub fn answer(&self, id: u64, result: Value) {
        if let Some(open) = self.lock().open.remove(&id) {
            drop(open.send(result));
        }
    }
}

pub struct Call {
    calls: Calls,
    id: u64,
    answer: Option<oneshot::Receiver<Value>>,
}

impl Call {
    pub async fn answer(mut self) -> Value {
        self.next().await
    }

    /// The next answer. After one that says that the call waits in a queue there is another.
    pub async fn next(&mut self) -> Value {
        let Some(answer) = &mut self.answer else { return Value::Null };
        let result = answer.await.unwrap_or_default();
        self.answer = None;
        if result["queued"] == true {
            let (sender, answer) = oneshot::channel();
            self.calls.lock().open.insert(self.id, sender);
            self.answer = Some(answer);
        }
        result
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.calls.lock().open.remove(&self.id).is_some() {
            self.calls.note(json!({ "note": "gave_up", "id": self.id }));
        }
    }
}
