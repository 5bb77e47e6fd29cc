//! Simulated processes that can be killed, paused and resumed between any two steps.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::task::JoinHandle;

thread_local! {
    /// Whether the current step of a process aborted the process.
    static ABORTED: Cell<bool> = const { Cell::new(false) };
}

/// Aborts the process whose step is running. Later effects of the same step must be suppressed, see
/// [`is_aborted`].
pub fn abort() {
    ABORTED.set(true);
}

/// Returns whether the process whose step is running was aborted.
pub fn is_aborted() -> bool {
    ABORTED.get()
}

#[derive(Debug, Default)]
struct State {
    paused: bool,
    killed: bool,
    waker: Option<Waker>,
}

/// Task that behaves like an operating-system process.
#[derive(Debug)]
pub struct Process<T> {
    state: Arc<Mutex<State>>,
    task: JoinHandle<Option<T>>,
}

/// Future of a process. It is dropped when the process is killed or aborted.
struct Steps<F> {
    state: Arc<Mutex<State>>,
    future: Option<Pin<Box<F>>>,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<F: Future> Future for Steps<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<F::Output>> {
        {
            let mut state = lock(&self.state);
            if !state.killed && state.paused {
                state.waker = Some(context.waker().clone());
                return Poll::Pending;
            }
            if state.killed {
                drop(state);
                self.future = None;
                return Poll::Ready(None);
            }
            state.waker = Some(context.waker().clone());
        }
        ABORTED.set(false);
        let Some(future) = &mut self.future else { return Poll::Ready(None) };
        let polled = future.as_mut().poll(context);
        if ABORTED.replace(false) {
            self.future = None;
            return Poll::Ready(None);
        }
        polled.map(Some)
    }
}

impl<T: Send + 'static> Process<T> {
    /// Starts a process. A step is one poll of the future.
    pub fn start(future: impl Future<Output = T> + Send + 'static) -> Process<T> {
        let state = Arc::<Mutex<State>>::default();
        let task = tokio::spawn(Steps { state: state.clone(), future: Some(Box::pin(future)) });
        Process { state, task }
    }

    fn wake(&self, change: impl FnOnce(&mut State)) {
        let mut state = lock(&self.state);
        change(&mut state);
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    /// Pauses the process, like `kill -STOP`.
    pub fn pause(&self) {
        lock(&self.state).paused = true;
    }

    /// Resumes the process, like `kill -CONT`.
    pub fn resume(&self) {
        self.wake(|state| state.paused = false);
    }

    /// Kills the process, like `kill -KILL`.
    pub fn kill(&self) {
        self.wake(|state| state.killed = true);
    }

    pub fn is_paused(&self) -> bool {
        lock(&self.state).paused
    }

    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Waits for the end and returns the result. `None`: the process was killed or aborted itself.
    pub async fn result(self) -> Option<T> {
        // A panic of the simulated code fails the schedule.
        match self.task.await {
            Ok(result) => result,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}
