//! The form letters that were written lately, so that a campaign's are not written anew for each reader.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::form_letter::FormLetter;
use super::words::is_required;
use crate::domain::ids::Id;
use crate::domain::message::{Message, Statement};
use crate::domain::methods::Method;

/// How many are kept: of the size of a mail each.
const MOST: usize = 256;

/// Form letters by what they were written from.
#[derive(Debug, Default)]
pub(super) struct Letters(Mutex<HashMap<Occasion, Arc<FormLetter>>>);

/// All that the words of a message depend on but for the reader's name and address.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Occasion {
    locales: Vec<String>,
    zone: Tz,
    methods: Vec<Method>,
    has_name: bool,
    /// What it says, without the ids of the notices.
    statements: Vec<Statement>,
    /// Which of the dates have come.
    come: Vec<bool>,
    /// The reader's local day, from which days are counted.
    today: NaiveDate,
}

impl Occasion {
    fn of(message: &Message) -> Self {
        let reader = &message.reader;
        Self {
            locales: reader.locales.clone(),
            zone: reader.zone,
            methods: reader.methods.clone(),
            has_name: reader.greeted().name.is_some(),
            statements: message.notices.iter().map(|one| Statement { notice_id: Id::FIRST, ..one.clone() }).collect(),
            come: message.notices.iter().map(|one| is_required(one, message.at)).collect(),
            today: message.at.date_in(reader.zone),
        }
    }
}

impl Letters {
    /// The form letter for the message: that of before, or what `write` gives.
    pub(super) fn for_message<E>(
        &self,
        message: &Message,
        write: impl FnOnce() -> Result<FormLetter, E>,
    ) -> Result<Arc<FormLetter>, E> {
        let occasion = Occasion::of(message);
        if let Some(letter) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&occasion) {
            return Ok(Arc::clone(letter));
        }
        let letter = Arc::new(write()?);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST {
            // Those of the campaign under way are soon written again.
            kept.clear();
        }
        kept.insert(occasion, Arc::clone(&letter));
        Ok(letter)
    }
}
