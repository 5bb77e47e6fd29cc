//! Lua scripts of the project, reimplemented. A script is identified by its text: change the model together
//! with the script.

use super::{Redis, Value};
use crate::reply::{Command, Reply};

const REMOVE_EMPTY_CONSUMERS: &str =
    include_str!("../../../../lib/stream-worker/src/remove_empty_consumers.lua");

impl Redis {
    /// `EVAL script 1 key …`
    pub(super) fn script(&mut self, command: &Command) -> Reply {
        let (key, arguments) = (&command[3], &command[4..]);
        if command[1] == REMOVE_EMPTY_CONSUMERS.as_bytes() {
            self.remove_empty_consumers(key, arguments)
        } else {
            panic!("script is not modelled: {}", String::from_utf8_lossy(&command[1]));
        }
    }

    fn remove_empty_consumers(&mut self, key: &[u8], arguments: &[Vec<u8>]) -> Reply {
        let now = self.now;
        let Some(Value::Stream(stream)) = self.persisted.keys.get_mut(key) else {
            return Reply::Error("ERR no such key".to_owned());
        };
        let Some(group) = stream.groups.get_mut(&arguments[0]) else {
            return Reply::Error("NOGROUP No such consumer group".to_owned());
        };
        let min_idle: i64 =
            String::from_utf8_lossy(&arguments[2]).parse().expect("the idle time is a number");
        let (excluded, only) = (&arguments[1], arguments.get(3));
        let before = group.consumers.len();
        let pending = &group.pending;
        group.consumers.retain(|name, last_seen| {
            let idle = i64::try_from(now.saturating_sub(*last_seen)).unwrap_or(i64::MAX);
            let is_selected = match only {
                Some(only) => name == only,
                None => name != excluded && idle > min_idle,
            };
            !is_selected || pending.values().any(|consumer| consumer == name)
        });
        Reply::Int((before - group.consumers.len()) as i64)
    }
}
