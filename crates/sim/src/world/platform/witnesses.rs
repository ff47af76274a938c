//! The platform's questions to the banks' witnesses, without a thread deciding when a bank is asked.

use std::sync::Arc;
use std::task::{Context, Waker};

use bailee_server::app::install;
use bailee_server::jobs::witnesses::Witnesses;

use super::Platform;

/// How often a witness's question reads the log before it waits for its bank, and once more for what comes of it.
const READS_IN_A_ROW: u32 = 3;

impl Platform {
    /// Asks the banks' witnesses; whoever has not answered the question before is not waited for any more.
    pub fn ask_witnesses(&mut self) {
        let Some(process) = self.process.as_mut() else { return };
        let (app, ask) = (process.app.clone(), process.desk.clone());
        let log_key = install::log_key(&app).expect("the log has a key").verifying.to_string();
        let witnesses = Witnesses { app, ask, outside: Arc::new([]), log_key };
        process.witnesses =
            Some(Box::pin(async move { witnesses.once().await.map(drop).unwrap_or_default() }));
        self.poll();
    }

    /// Carries on with the witnesses until they wait for banks. Their proofs are read from the log on a thread of its own: that
    /// must not decide when a bank is asked.
    pub(super) fn carry_on_witnesses(&mut self) {
        for _ in 0..READS_IN_A_ROW {
            let Some(task) = self.process.as_mut().and_then(|process| process.witnesses.as_mut()) else {
                return;
            };
            let inside = self.runtime.enter();
            let polled = task.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            drop(inside);
            if polled.is_ready() {
                self.process.as_mut().expect("it had a task").witnesses = None;
                return;
            }
            // The thread takes what it is given in turn: after this, everything asked before is answered.
            self.runtime.block_on(async { tokio::task::spawn_blocking(|| ()).await }).expect("does nothing");
        }
    }
}
