//! What has been read of a campaign's body: its fields, its faults, and the row that is being read.

use std::io;
use std::time::Duration;

use kit::words::nearest;
use serde::de::Error;
use serde_json::error::Category;
use serde_json::{Map, Value};

use crate::compose::{Sender, Shortened, Template, Wording, longest_link};
use crate::domain::{CodePoolId, Lengths, Parameters, Purpose, SCHEDULE_MAX, TemplateId, TlvList, UnixMicros};
use crate::fault::{FAULTS_MAX, FieldFault, FieldProblem};

use super::bounded::OCTETS_MAX;
use super::checks::{
    JOINED_DAYS_MAX, Joinable, at_pointer, check_campaign_name, check_service_type, instant_ahead, parse_rate,
    read_sender,
};
use super::draft::{CampaignDraft, ReadFault, Rules};
use super::guard::StringTooLong;
use super::kinds::{FindTemplate, check_category, check_purpose_of, parse_encoding, parse_purpose};
use super::lengths;
use super::row::{COLUMNS_MAX, Columns, Place, Row, RowBuffer, RowSink, SinkFull, Values};
use super::taker::escape;
use super::tlvs::TlvsRead;
use super::variants::{self, Variant, has_link};

/// The texts first, those that may be missing last among them.
pub(crate) const BODY_FIELDS: [&str; 20] = [
    "name",
    "text",
    "sender",
    "purpose",
    "encoding",
    "service_type",
    "expires_at",
    "category",
    "template",
    "code_pool",
    "link",
    "link_expires_at",
    "rate",
    "late_joiners_until",
    "validity",
    "schedule_delivery",
    "tlvs",
    "variants",
    "field_lengths",
    "audience",
];
/// The places of those that are no texts; those before the audience may be missing, with the last ten texts; and where there is a template, what it says.
pub(super) const VALIDITY: usize = 14;
pub(super) const SCHEDULE_DELIVERY: usize = 15;
pub(super) const TLVS: usize = 16;
pub(super) const VARIANTS: usize = 17;
pub(super) const FIELD_LENGTHS: usize = 18;
/// Fields that may be missing.
const OPTIONAL: std::ops::Range<usize> = 4..19;
/// What a template says instead.
const OF_TEMPLATES: [&str; 2] = ["text", "purpose"];
const TEXT: usize = 1;
const TEMPLATE: usize = 8;
const CODE_POOL: usize = 9;

/// How long a message may be worth sending, in seconds: up to the 30 days after which nobody remembers it.
pub(crate) const VALIDITY_S: (i64, i64) = (1, 30 * 86_400);

/// How many days ahead a campaign's last moment may be.
pub(crate) const DAYS_AHEAD_MAX: u32 = 366;

/// How long an SMSC may be told to keep a message, in seconds.
pub(crate) const SCHEDULE_S: (i64, i64) = (1, SCHEDULE_MAX.as_secs() as i64);

/// Those that say which contacts are meant come last.
pub(crate) const AUDIENCE_FIELDS: [&str; 7] = [
    "numbers",
    "recipients",
    "filter",
    "lists",
    "segments",
    "exclude",
    "unreachable",
];
/// Those before it say whom a campaign means, and the others who is left out.
const ENDS_OF_MEANT: usize = 5;
pub(super) const NUMBERS: usize = 0;
pub(super) const RECIPIENTS: usize = 1;

/// Whether a campaign may be without that field.
pub(crate) fn is_optional(field: &str) -> bool {
    BODY_FIELDS[OPTIONAL].contains(&field)
}

/// What has been read so far.
pub(super) struct Reading<'s> {
    sink: &'s mut dyn RowSink,
    /// How its text is taken.
    wording: Wording,
    /// When it came.
    now: UnixMicros,
    find_template: FindTemplate<'s>,
    keeps_lengths: bool,
    /// Set when the sink took no more; reading then stops.
    pub(super) full: Option<SinkFull>,
    faults: Vec<FieldFault>,
    pub(super) texts: [Option<String>; 14],
    pub(super) validity: Option<Duration>,
    pub(super) schedule_delivery: Option<Duration>,
    pub(super) tlvs: TlvsRead,
    /// Which of [`BODY_FIELDS`] were there, whatever their type.
    pub(super) given: [bool; BODY_FIELDS.len()],
    pub(super) audience_given: [bool; AUDIENCE_FIELDS.len()],
    variants: Option<Value>,
    lengths: Option<Value>,
    /// What was said of the contacts that are meant.
    query: Map<String, Value>,
    pub(super) columns: Columns,
    pub(super) row: RowBuffer,
    pub(super) key: String,
}

impl<'s> Reading<'s> {
    pub(super) fn new(sink: &'s mut dyn RowSink, rules: Rules<'s>) -> Self {
        let again = rules.again.unwrap_or_default();
        Self {
            sink,
            wording: rules.wording,
            now: rules.now,
            find_template: rules.find_template,
            keeps_lengths: again.keeps_lengths,
            full: None,
            faults: Vec::new(),
            texts: [const { None }; 14],
            validity: None,
            schedule_delivery: None,
            tlvs: TlvsRead::default(),
            given: [false; BODY_FIELDS.len()],
            audience_given: [false; AUDIENCE_FIELDS.len()],
            variants: None,
            lengths: None,
            query: Map::new(),
            columns: Columns::of(again.columns),
            row: RowBuffer::default(),
            key: String::new(),
        }
    }

    pub(super) fn fault(&mut self, pointer: impl Into<String>, problem: FieldProblem) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(FieldFault::new(pointer, problem));
        }
    }

    /// Stops the reading when it is of no more use.
    pub(super) fn go_on<E: Error>(&self) -> Result<(), E> {
        if self.full.is_some() || self.faults.len() >= FAULTS_MAX {
            return Err(E::custom("stopped"));
        }
        Ok(())
    }

    /// Hands on a number of a list, or the row that was just read.
    pub(super) fn hand_on(&mut self, place: Place, number: Option<&str>) {
        // A request with a fault is refused: its rows would only have to be forgotten again.
        if !self.faults.is_empty() {
            return;
        }
        let row = match number {
            Some(to) => Some(Row {
                place,
                to,
                values: Values::NONE,
            }),
            None => self.row.row(place),
        };
        self.full = row.and_then(|row| self.sink.row(row).err());
    }

    /// A part of what is said of the contacts that are meant; `None`: it was too large.
    pub(super) fn query_part(&mut self, name: &'static str, part: Option<Value>) {
        match part {
            Some(part) => drop(self.query.insert(name.to_owned(), part)),
            None => self.fault(
                format!("/audience/{name}"),
                FieldProblem::TooLong {
                    max: OCTETS_MAX,
                    given: OCTETS_MAX + 1,
                },
            ),
        }
    }

    /// `variants` or `field_lengths`, by its position in [`BODY_FIELDS`]; `None`: it was too large.
    pub(super) fn part(&mut self, at: usize, given: Option<Value>) {
        let problem = FieldProblem::TooLong {
            max: OCTETS_MAX,
            given: OCTETS_MAX + 1,
        };
        match (given, at) {
            (Some(given), VARIANTS) => self.variants = Some(given),
            (Some(given), _) => self.lengths = Some(given),
            (None, _) => self.fault(format!("/{}", BODY_FIELDS[at]), problem),
        }
    }

    /// An audience that was read to its end.
    pub(super) fn check_audience(&mut self) {
        let of_contacts = self.audience_given[RECIPIENTS + 1..].contains(&true);
        if !of_contacts && !self.audience_given[NUMBERS] && !self.audience_given[RECIPIENTS] {
            let fields = &AUDIENCE_FIELDS[..ENDS_OF_MEANT];
            self.fault("/audience", FieldProblem::MissingOneOf { fields });
        }
        if of_contacts && self.audience_given[RECIPIENTS] {
            let fields = &AUDIENCE_FIELDS[RECIPIENTS + 1..];
            self.fault("/audience/recipients", FieldProblem::NotBeside { fields });
        }
    }

    /// The position of the key among `fields`, noted in `given`; a fault if it is not among them or came before.
    pub(super) fn field(
        &mut self,
        parent: &str,
        fields: &[&'static str],
        given: fn(&mut Self) -> &mut [bool],
    ) -> Option<usize> {
        let pointer = format!("{parent}/{}", escape(&self.key));
        let Some(position) = fields.iter().position(|field| *field == self.key) else {
            let nearest = nearest(&self.key, fields.iter().copied()).map(str::to_owned);
            self.fault(pointer, FieldProblem::UnknownField { nearest });
            return None;
        };
        if std::mem::replace(&mut given(self)[position], true) {
            self.fault(pointer, FieldProblem::DuplicateField);
            return None;
        }
        Some(position)
    }

    /// The parser gave up.
    pub(super) fn broke(&mut self, error: serde_json::Error) -> Result<(), ReadFault> {
        match error.classify() {
            // Our own stop: the faults or the sink say why.
            Category::Data => Ok(()),
            Category::Syntax | Category::Eof => {
                self.faults.clear();
                self.fault("", FieldProblem::broken_json(&error));
                Ok(())
            }
            Category::Io => {
                let error = io::Error::from(error);
                match error
                    .get_ref()
                    .and_then(|source| source.downcast_ref::<StringTooLong>())
                {
                    Some(StringTooLong { max }) => {
                        self.fault(
                            "",
                            FieldProblem::TooLong {
                                max: *max,
                                given: *max + 1,
                            },
                        );
                        Ok(())
                    }
                    None => Err(ReadFault::Body(error)),
                }
            }
        }
    }

    pub(super) fn finish(mut self) -> Result<CampaignDraft, ReadFault> {
        // A body that broke off lacks fields that nobody forgot.
        if !self.faults.iter().any(|fault| fault.pointer.is_empty()) {
            self.check_presence();
        }
        let from_template = self.take_template()?;
        let [
            name,
            text,
            sender,
            purpose,
            encoding,
            service_type,
            expires_at,
            category,
            _,
            code_pool,
            link,
            link_expires_at,
            rate,
            late_until,
        ] = std::mem::take(&mut self.texts);
        let parameters = self.parameters(service_type);
        let ahead = (self.now, DAYS_AHEAD_MAX);
        let expires_at = self.checked("/expires_at", expires_at, |at| instant_ahead(&at, ahead));
        let rate = self.checked("/rate", rate, |rate| parse_rate(&rate));
        let late_until = self.late_joiners(late_until, (expires_at, link_expires_at.as_deref()));
        let encoding = self.checked("/encoding", encoding, |encoding| parse_encoding(&encoding));
        let name = self.checked("/name", name, check_campaign_name);
        let wording = std::mem::take(&mut self.wording);
        let text = self.checked("/text", text, |text| wording.check(&text).map(|()| text));
        let of = (&wording, purpose.as_deref());
        let sender = self.checked("/sender", sender, |sender| read_sender(of, &sender));
        let purpose = self.checked("/purpose", purpose, |purpose| parse_purpose(&purpose));
        let category = self.category(category, purpose);
        let text = purpose.zip(sender.as_ref()).and_then(|(purpose, sender)| {
            self.checked("/text", text, |text| {
                wording.check_advertiser(&text, sender, purpose)?;
                wording.with_clause(&text, (Some(sender), purpose))
            })
        });
        let code_pool = self.code_pool(code_pool);
        let link = self.link(&wording, (link, link_expires_at));
        let variants = self.read_variants(&wording, sender.as_ref().zip(purpose));
        // An audience that was not read to its end may lack columns that the text names.
        let template = text
            .filter(|_| self.faults.is_empty())
            .and_then(|text| self.template(&text, (&variants, link.as_ref())));
        let lengths = self.read_lengths(template.as_ref(), code_pool.is_some());
        match (name, template, sender, purpose) {
            (Some(name), Some(template), Some(sender), Some(purpose)) if self.faults.is_empty() => Ok(CampaignDraft {
                name,
                template,
                sender,
                purpose,
                category,
                from_template,
                code_pool,
                link,
                encoding,
                validity: self.validity,
                expires_at,
                rate,
                late_until,
                parameters,
                columns: self.columns,
                variants,
                lengths,
                query: Some(self.query).filter(|query| !query.is_empty()),
            }),
            _ => Err(ReadFault::Fields(self.faults)),
        }
    }

    /// What its submit_sm's are given beside the text.
    fn parameters(&mut self, service_type: Option<String>) -> Parameters {
        let tlvs = self.take_tlvs();
        Parameters {
            service_type: self.checked("/service_type", service_type, check_service_type),
            schedule_delivery: self.schedule_delivery,
            tlvs,
        }
    }

    fn take_tlvs(&mut self) -> TlvList {
        let tlvs = std::mem::take(&mut self.tlvs);
        for fault in tlvs.faults {
            self.fault(fault.pointer, fault.problem);
        }
        tlvs.list
    }

    fn check_presence(&mut self) {
        for (at, (field, given)) in BODY_FIELDS.into_iter().zip(self.given).enumerate() {
            let by_template = self.given[TEMPLATE] && OF_TEMPLATES.contains(&field);
            if !given && !by_template && !OPTIONAL.contains(&at) {
                self.fault(format!("/{field}"), FieldProblem::Missing);
            }
        }
    }

    fn checked<G, T>(
        &mut self,
        pointer: &str,
        given: Option<G>,
        check: impl FnOnce(G) -> Result<T, FieldProblem>,
    ) -> Option<T> {
        match check(given?) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.fault(pointer, problem);
                None
            }
        }
    }

    /// What it is about, where that goes with what it is for.
    fn category(&mut self, given: Option<String>, purpose: Option<Purpose>) -> Option<String> {
        let category = self.checked("/category", given, |code| check_category(&code))?;
        self.checked("/purpose", purpose, |purpose| {
            check_purpose_of(Some(category.code), purpose)
        });
        Some(category.code.to_owned())
    }

    /// What a template says stands for what the body leaves out.
    fn take_template(&mut self) -> Result<Option<(TemplateId, u32)>, ReadFault> {
        let Some(given) = self.texts[TEMPLATE].take() else {
            return Ok(None);
        };
        if self.texts[TEXT].is_some() {
            self.fault("/template", FieldProblem::NotBeside { fields: &["text"] });
            return Ok(None);
        }
        let found = match given.parse() {
            Ok(id) => (self.find_template)(id)?.map(|template| (id, template)),
            Err(_) => None,
        };
        let Some((id, template)) = found else {
            self.fault("/template", FieldProblem::UnknownValue { allowed: &["tpl_…"] });
            return Ok(None);
        };
        let [_, text, _, purpose, _, _, _, category, ..] = &mut self.texts;
        *text = Some(template.text);
        purpose.get_or_insert_with(|| template.purpose.code().to_owned());
        if category.is_none() {
            *category = template.category;
        }
        Ok(Some((id, template.version)))
    }

    /// Whence the codes are; rows that come with the request may bring theirs as a column.
    fn code_pool(&mut self, given: Option<String>) -> Option<CodePoolId> {
        let pool = self.checked("/code_pool", given, |id| {
            let allowed = &["cpl_…"];
            id.parse().map_err(|_| FieldProblem::UnknownValue { allowed })
        })?;
        if self.query.is_empty() {
            let fields = &["audience.filter", "audience.lists", "audience.segments"];
            self.fault("/code_pool", FieldProblem::MissingBeside { fields });
        }
        Some(pool)
    }

    /// Until when people join it, who all get the same as those before them.
    fn late_joiners(&mut self, given: Option<String>, ends: (Option<UnixMicros>, Option<&str>)) -> Option<UnixMicros> {
        let ahead = (self.now, JOINED_DAYS_MAX);
        let until = self.checked("/late_joiners_until", given, |at| instant_ahead(&at, ahead))?;
        let has = Joinable {
            of_contacts: !self.query.is_empty(),
            validity: self.validity.is_some(),
            codes: self.given[CODE_POOL],
        };
        for (pointer, problem) in has.faults(until, ends) {
            self.fault(pointer, problem);
        }
        Some(until)
    }

    /// Where links lead, and until when.
    fn link(
        &mut self,
        wording: &Wording,
        (url, expires_at): (Option<String>, Option<String>),
    ) -> Option<(Shortened, Option<UnixMicros>)> {
        if url.is_none() && expires_at.is_some() {
            let fields = &["link"];
            self.fault("/link_expires_at", FieldProblem::MissingBeside { fields });
        }
        let ahead = (self.now, DAYS_AHEAD_MAX);
        let expires_at = self.checked("/link_expires_at", expires_at, |at| instant_ahead(&at, ahead));
        let link = self.checked("/link", url, |url| wording.shorten(&url))?;
        Some((link, expires_at))
    }

    fn read_variants(&mut self, wording: &Wording, of: Option<(&Sender, Purpose)>) -> Vec<Variant> {
        let Some((given, of)) = self.variants.take().zip(of) else {
            return Vec::new();
        };
        if self.query.is_empty() {
            let fields = &["audience.filter", "audience.lists", "audience.segments"];
            self.fault("/variants", FieldProblem::MissingBeside { fields });
            return Vec::new();
        }
        variants::read(&given, wording, of).unwrap_or_else(|faults| {
            faults
                .into_iter()
                .for_each(|fault| self.fault(fault.pointer, fault.problem));
            Vec::new()
        })
    }

    /// Of contacts, all columns are named by some text; of rows, those that the text names count.
    fn read_lengths(&mut self, template: Option<&Template>, has_codes: bool) -> Lengths {
        let Some((given, template)) = self.lengths.take().zip(template) else {
            return Lengths::default();
        };
        let of_contacts = !self.query.is_empty();
        let names = self.columns.names().iter().map(String::as_str).enumerate();
        let is_named = |column: usize| of_contacts || template.fields().any(|(named, _)| named == column);
        let columns = lengths::measurable(names.filter(|(column, _)| is_named(*column)), has_codes);
        let given = match self.keeps_lengths {
            true => lengths::of_those(given, &columns),
            false => given,
        };
        match lengths::read(&given, &columns) {
            Ok(lengths) => lengths,
            Err(faults) => {
                let faults = faults.into_iter().take(FAULTS_MAX);
                self.faults.extend(faults);
                Lengths::default()
            }
        }
    }

    /// Of contacts, what the texts name are the columns. Whether contacts have these is for who knows them to say.
    fn named_columns(
        &mut self,
        text: &str,
        (variants, link): (&[Variant], Option<&str>),
    ) -> Result<Columns, Vec<FieldFault>> {
        // Which variant it is needs a column as well.
        let max = COLUMNS_MAX - usize::from(!variants.is_empty());
        let mut names: Vec<String> = Vec::new();
        let texts = (0..).zip(variants.iter().map(|variant| variant.text.as_str()));
        let pointer = |at: usize| format!("/variants/{at}/text");
        let texts = texts.map(|(at, text)| (pointer(at), text));
        for (pointer, text) in [("/text".to_owned(), text)].into_iter().chain(texts) {
            let read = Template::parse_open_linked(text, &names, link);
            let (_, others) = read.map_err(|faults| at_pointer(faults, &pointer))?;
            names.extend(others);
            if names.len() > max {
                let problem = FieldProblem::TooMany { max };
                return Err(vec![FieldFault::new(pointer, problem)]);
            }
        }
        Ok(Columns::of(names))
    }

    fn template(
        &mut self,
        text: &str,
        (variants, link): (&[Variant], Option<&(Shortened, Option<UnixMicros>)>),
    ) -> Option<Template> {
        let longest = link.map(|(link, _)| longest_link(&link.domain));
        let link = longest.as_deref();
        if !self.query.is_empty() {
            match self.named_columns(text, (variants, link)) {
                Ok(columns) => self.columns = columns,
                Err(faults) => {
                    self.faults.extend(faults.into_iter().take(FAULTS_MAX));
                    return None;
                }
            }
        }
        match Template::parse_linked(text, self.columns.names(), link) {
            Ok(template) => {
                let in_variants = || variants.iter().any(|variant| has_link(&variant.text, link));
                if link.is_some() && !template.has_link() && !in_variants() {
                    let fields = &["[lien]"];
                    self.fault("/text", FieldProblem::MissingBeside { fields });
                    return None;
                }
                Some(template)
            }
            Err(faults) => {
                self.faults.extend(faults.into_iter().take(FAULTS_MAX));
                None
            }
        }
    }
}
