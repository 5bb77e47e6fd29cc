//! Settings of the promoter, set by operators: one aggregate, so that every change is recorded.

mod change_settings;

pub use change_settings::{ChangePromoterSettings, OperatorRoleRequired};

use crate::{Actor, Details, PromoterOptions, RefusalInfo};
use uuid::Uuid;

/// Id of the promoter settings, the only aggregate of this kind.
pub const PROMOTER_SETTINGS: Uuid = Uuid::from_u128(0x2a8e_31c4_90f7_5b16_8d52_60c1_7e94_ab03);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromoterEvent {
    PromoterSettingsChanged {
        /// The complete options. An option that is left out has its default.
        options: PromoterOptions,
        /// Sender of the command; `None` in events of version 1.
        by: Option<Actor>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromoterCommand {
    ChangePromoterSettings(ChangePromoterSettings),
}

/// Settings that an operator set. Before the first change, those of the settings file apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromoterSettings {
    version: u64,
    options: PromoterOptions,
}

impl PromoterCommand {
    pub fn decide(&self, actor: Actor) -> Result<Vec<PromoterEvent>, RefusalInfo> {
        match self {
            PromoterCommand::ChangePromoterSettings(command) => command.decide(actor),
        }
    }

    /// Returns the details of the accepted command's outcome: none.
    pub fn details(&self) -> Details {
        Details::new()
    }
}

impl PromoterSettings {
    /// Applies one event. `None` stands for settings that no operator has changed yet.
    pub fn apply(settings: &mut Option<PromoterSettings>, event: &PromoterEvent) {
        let version = settings.as_ref().map_or(0, |settings| settings.version) + 1;
        let PromoterEvent::PromoterSettingsChanged { options, .. } = event;
        *settings = Some(PromoterSettings { version, options: options.clone() });
    }

    /// Returns the number of changes.
    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn options(&self) -> &PromoterOptions {
        &self.options
    }
}
