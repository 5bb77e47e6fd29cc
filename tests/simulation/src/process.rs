//! Processes that can be killed, or paused and let go on, between any two steps.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::task::JoinHandle;

thread_local! {
    /// The process whose step this is dies of it.
    static DIES: Cell<bool> = const { Cell::new(false) };
}

/// The process whose step this is ends here, as by an abort. Nothing that it still does reaches anybody.
pub fn abort() {
    DIES.set(true);
}

/// Whether the process whose step this is has ended.
pub fn is_aborted() -> bool {
    DIES.get()
}

#[derive(Debug, Default)]
struct State {
    paused: bool,
    killed: bool,
    waker: Option<Waker>,
}

/// A process.
#[derive(Debug)]
pub struct Process<T> {
    state: Arc<Mutex<State>>,
    task: JoinHandle<Option<T>>,
}

/// The future of a process, and what became of it.
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
        DIES.set(false);
        let Some(future) = &mut self.future else { return Poll::Ready(None) };
        let polled = future.as_mut().poll(context);
        if DIES.replace(false) {
            self.future = None;
            return Poll::Ready(None);
        }
        polled.map(Some)
    }
}

impl<T: Send + 'static> Process<T> {
    /// Starts one. Its steps are those of the future.
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

    /// As `kill -STOP`.
    pub fn pause(&self) {
        lock(&self.state).paused = true;
    }

    /// As `kill -CONT`.
    pub fn goes_on(&self) {
        self.wake(|state| state.paused = false);
    }

    /// As `kill -KILL`.
    pub fn kill(&self) {
        self.wake(|state| state.killed = true);
    }

    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        lock(&self.state).paused
    }

    /// Whether it has ended, of whatever.
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// What it came to; none if it was killed, or died.
    pub async fn ended(self) -> Option<T> {
        // A panic of the real code is one of the simulation.
        match self.task.await {
            Ok(ended) => ended,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}
