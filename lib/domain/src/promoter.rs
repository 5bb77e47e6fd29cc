//! The promoter's settings, as operators set them: one aggregate, so that every change is on record.

mod change_settings;

pub use change_settings::{ChangePromoterSettings, ChangePromoterSettingsRefusal};

use crate::{Actor, Details, PromoterOptions, Refused};
use uuid::Uuid;

/// The id of the one aggregate of this kind.
pub const PROMOTER_SETTINGS: Uuid = Uuid::from_u128(0x2a8e_31c4_90f7_5b16_8d52_60c1_7e94_ab03);

/// What happened to the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromoterEvent {
    /// They are others from now on.
    PromoterSettingsChanged {
        /// All of them; what is not said is as it is by default.
        options: PromoterOptions,
        /// Who changed them; `None` in events of version 1.
        by: Option<Actor>,
    },
}

/// Everything that can be asked of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromoterCommand {
    /// Set them.
    ChangePromoterSettings(ChangePromoterSettings),
}

/// The settings as their events tell them. Before the first one, those of the settings file hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromoterSettings {
    version: u64,
    options: PromoterOptions,
}

impl PromoterCommand {
    /// Decides the command.
    pub fn decide(&self, actor: Actor) -> Result<Vec<PromoterEvent>, Refused> {
        match self {
            PromoterCommand::ChangePromoterSettings(command) => Ok(command.decide(actor)?),
        }
    }

    /// What the sender of an accepted command is told besides ids and version.
    pub fn facts(&self) -> Details {
        Details::new()
    }
}

impl PromoterSettings {
    /// Folds one event into the state. `None` stands for settings that nobody set yet.
    pub fn apply(settings: &mut Option<PromoterSettings>, event: &PromoterEvent) {
        let version = settings.as_ref().map_or(0, |settings| settings.version) + 1;
        let PromoterEvent::PromoterSettingsChanged { options, .. } = event;
        *settings = Some(PromoterSettings { version, options: options.clone() });
    }

    /// How many events there have been.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// What was set last.
    pub fn options(&self) -> &PromoterOptions {
        &self.options
    }
}
