//! What jaq asks of values.

use std::cmp::Ordering;
use std::sync::Arc;

use jaq_core::box_iter::{BoxIter, box_once};
use jaq_core::path::Opt;
use jaq_core::val::Range;
use jaq_core::{Error, Exn, ValR, ValT, ValX, ops};

use super::budget;
use super::number::{Number, whole_or_float};
use super::value::{Entries, Items, Jq, Style, Table};

type Failure = Error<Jq>;

/// The error of a program whose budget is used up.
pub(super) fn stopped() -> Failure {
    Error::str("the program was stopped")
}

/// Counts steps.
pub(super) fn spend(steps: usize) -> Result<(), Failure> {
    if budget::spend(steps) {
        Ok(())
    } else {
        Err(stopped())
    }
}

/// Counts a call of a recursive definition.
pub(super) fn call() -> Result<(), Failure> {
    if budget::call() {
        Ok(())
    } else {
        Err(stopped())
    }
}

fn cannot_index(value: &Jq, index: &Jq) -> Failure {
    let what = match index {
        Jq::Str(key) => format!("\"{key}\""),
        other => other.type_name().to_owned(),
    };
    Error::str(format!("Cannot index {} with {what}", value.type_name()))
}

fn cannot(what: &str, left: &Jq, right: &Jq) -> Failure {
    Error::str(format!(
        "{} ({left}) and {} ({right}) cannot be {what}",
        left.type_name(),
        right.type_name()
    ))
}

/// The integer an index or a bound is, cut to whole.
fn whole(value: &Jq) -> Option<i64> {
    match value.number()? {
        #[expect(clippy::cast_possible_truncation, reason = "bounds are cut")]
        Number::Float(value) => Some(value.floor() as i64),
        number => number.as_i64(),
    }
}

/// A value that nests no deeper than it may; null otherwise, and the run fails.
pub(super) fn nested(value: Jq) -> Jq {
    if budget::may_nest(value.depth()) {
        value
    } else {
        Jq::Null
    }
}

/// Start and end of a slice within a length.
fn bounds(range: &Range<&Jq>, length: usize) -> Result<(usize, usize), Failure> {
    let bound = |bound: Option<&Jq>, default: usize, up: bool| match bound {
        None | Some(Jq::Null) => Ok(default),
        Some(value) => {
            let number = value
                .number()
                .ok_or_else(|| Error::str("Start and end of a slice must be numbers"))?;
            let float = number.to_f64();
            let number = if up { float.ceil() } else { float.floor() };
            let from_end = if number < 0.0 {
                number + length as f64
            } else {
                number
            };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it is within the length"
            )]
            Ok(from_end.clamp(0.0, length as f64) as usize)
        }
    };
    let start = bound(range.start, 0, false)?;
    let end = bound(range.end, length, true)?;
    Ok((start, end.max(start)))
}

impl ValT for Jq {
    fn from_num(number: &str) -> ValR<Self> {
        if let Ok(value) = number.parse::<i64>() {
            return Ok(Jq::Int(value));
        }
        if number.bytes().all(|byte| byte.is_ascii_digit())
            && let Some(value) = num_bigint::BigInt::parse_bytes(number.as_bytes(), 10)
        {
            return Ok(Jq::Big(Arc::new(value)));
        }
        number.parse().map(Jq::Float).map_err(Error::str)
    }

    fn from_map<I: IntoIterator<Item = (Self, Self)>>(entries: I) -> ValR<Self> {
        spend(1)?;
        let mut table = Table::default();
        for (key, value) in entries {
            match key {
                Jq::Str(key) => {
                    table.insert(key, value);
                }
                key => {
                    return Err(Error::str(format!(
                        "Cannot use {} ({key}) as object key",
                        key.type_name()
                    )));
                }
            }
        }
        Ok(nested(Jq::Map(Arc::new(Entries::of(table)))))
    }

    fn key_values(self) -> BoxIter<'static, ValR<(Self, Self), Self>> {
        match self.forced() {
            Jq::List(list) => {
                let items = unshared_items(list).into_iter().enumerate();
                Box::new(items.map(|(index, item)| spend(1).map(|()| (Jq::from(index), item))))
            }
            Jq::Map(map) => {
                let entries = unshared_entries(map).into_iter();
                Box::new(entries.map(|(key, value)| spend(1).map(|()| (Jq::Str(key), value))))
            }
            other => box_once(Err(Error::str(format!(
                "Cannot iterate over {}",
                other.type_name()
            )))),
        }
    }

    fn values(self) -> Box<dyn Iterator<Item = ValR<Self>>> {
        match self.forced() {
            Jq::List(list) => Box::new(
                unshared_items(list)
                    .into_iter()
                    .map(|item| spend(1).map(|()| item)),
            ),
            Jq::Map(map) => Box::new(
                unshared_entries(map)
                    .into_iter()
                    .map(|(_, value)| spend(1).map(|()| value)),
            ),
            other => Box::new(std::iter::once(Err(Error::str(format!(
                "Cannot iterate over {}",
                other.type_name()
            ))))),
        }
    }

    fn index(self, index: &Self) -> ValR<Self> {
        spend(1)?;
        let found = match index {
            Jq::Str(key) => self.entry(key),
            Jq::Int(index) => self.item(*index),
            // An index with a fraction names no element.
            Jq::Float(number) => self.item(if number.fract() == 0.0 {
                whole(index).unwrap_or(0)
            } else {
                i64::MAX
            }),
            Jq::List(_) | Jq::Lazy(_) if self.type_name() == "array" => Some(self.indices(index)?),
            Jq::Map(map) => {
                let range = map.table.get("start")..map.table.get("end");
                return self.range(range);
            }
            _ if matches!(self, Jq::Null) => Some(Jq::Null),
            _ => None,
        };
        found.ok_or_else(|| cannot_index(&self, index))
    }

    fn range(self, range: Range<&Self>) -> ValR<Self> {
        spend(1)?;
        match self.forced() {
            Jq::Null => Ok(Jq::Null),
            Jq::List(list) => {
                let (start, end) = bounds(&range, list.items.len())?;
                spend(end - start)?;
                Ok(Jq::list(list.items[start..end].to_vec()))
            }
            Jq::Str(text) => {
                let (start, end) = bounds(&range, text.chars().count())?;
                spend(text.len() / 16)?;
                Ok(Jq::text(
                    text.chars()
                        .skip(start)
                        .take(end - start)
                        .collect::<String>(),
                ))
            }
            other => Err(Error::str(format!(
                "Cannot index {} with object",
                other.type_name()
            ))),
        }
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        spend(1)?;
        match self.forced() {
            Jq::List(list) => {
                let items = unshared_items(list).into_iter().flat_map(f);
                items
                    .collect::<Result<Vec<Jq>, Exn<'a, Jq>>>()
                    .map(|items| nested(Jq::list(items)))
            }
            Jq::Map(map) => {
                let entries = unshared_entries(map).into_iter();
                let changed = entries
                    .filter_map(|(key, value)| f(value).next().map(|value| Ok((key, value?))));
                let table = changed.collect::<Result<Table, Exn<'a, Jq>>>()?;
                Ok(nested(Jq::Map(Arc::new(Entries::of(table)))))
            }
            other => opt.fail(other, |value| {
                Exn::from(Failure::str(format!(
                    "Cannot iterate over {}",
                    value.type_name()
                )))
            }),
        }
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        index: &Self,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        spend(1)?;
        if let (Jq::Map(bounds), "array" | "string") = (index, self.type_name()) {
            let range = bounds.table.get("start")..bounds.table.get("end");
            return self.map_range(range, opt, f);
        }
        match (self.forced(), index) {
            (Jq::Null, Jq::Str(key)) => {
                let mut entries = Entries::default();
                if let Some(value) = f(Jq::Null).next().transpose()? {
                    entries.insert(Arc::clone(key), value);
                }
                Ok(nested(Jq::Map(Arc::new(entries))))
            }
            (Jq::Map(mut map), Jq::Str(key)) => {
                let entries = Arc::make_mut(&mut map);
                let old = entries
                    .table
                    .get_mut(key)
                    .map(std::mem::take)
                    .unwrap_or_default();
                match f(old).next().transpose()? {
                    Some(value) => entries.insert(Arc::clone(key), value),
                    None => {
                        entries.table.shift_remove(key);
                    }
                }
                Ok(nested(Jq::Map(map)))
            }
            (Jq::Null, Jq::Int(_)) => Jq::list(Vec::new()).map_index(index, opt, f),
            (Jq::List(mut list), Jq::Int(_) | Jq::Float(_)) => {
                let wanted = whole(index).unwrap_or(0);
                let length = list.items.len();
                let at = if wanted < 0 {
                    wanted.checked_add_unsigned(length as u64)
                } else {
                    Some(wanted)
                };
                let Some(at) = at.and_then(|at| usize::try_from(at).ok()) else {
                    return opt.fail(Jq::List(list), |_| {
                        Exn::from(Failure::str("Out of bounds negative array index"))
                    });
                };
                // Beyond its end a list is filled up with nulls.
                spend(at.saturating_sub(length))?;
                let inner = Arc::make_mut(&mut list);
                let old = inner
                    .items
                    .get_mut(at)
                    .map(std::mem::take)
                    .unwrap_or_default();
                match f(old).next().transpose()? {
                    Some(value) => {
                        inner.depth = inner.depth.max(1 + value.depth());
                        if at >= length {
                            inner.items.resize(at + 1, Jq::Null);
                        }
                        inner.items[at] = value;
                    }
                    None if at < length => {
                        inner.items.remove(at);
                    }
                    None => {}
                }
                Ok(nested(Jq::List(list)))
            }
            (other, _) => opt.fail(other, |value| Exn::from(cannot_index(&value, index))),
        }
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        range: Range<&Self>,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        spend(1)?;
        let value = match self.forced() {
            Jq::Null => Jq::list(Vec::new()),
            value => value,
        };
        let Jq::List(list) = value else {
            return opt.fail(value, |value| {
                Exn::from(Failure::str(format!(
                    "Cannot update a slice of {}",
                    value.type_name()
                )))
            });
        };
        let (start, end) = bounds(&range, list.items.len())?;
        let part = Jq::list(list.items[start..end].to_vec());
        let replacement = match f(part).next().transpose()?.map(Jq::forced) {
            None => Vec::new(),
            Some(Jq::List(items)) => unshared_items(items),
            Some(_) => {
                return Err(Exn::from(Failure::str(
                    "A slice of an array can only be assigned another array",
                )));
            }
        };
        let mut items = unshared_items(list);
        items.splice(start..end, replacement);
        Ok(nested(Jq::list(items)))
    }

    fn as_bool(&self) -> bool {
        // Conditions are what endless loops must pass.
        budget::spend(1);
        !matches!(self, Jq::Null | Jq::Bool(false))
    }

    fn into_string(self) -> Self {
        match self {
            text @ Jq::Str(_) => text,
            other => {
                let mut text = String::new();
                other.write_json(&mut text, Style::Java);
                Jq::text(text)
            }
        }
    }
}

pub(super) fn unshared_items(list: Arc<Items>) -> Vec<Jq> {
    match Arc::try_unwrap(list) {
        Ok(list) => list.items,
        Err(shared) => shared.items.clone(),
    }
}

pub(super) fn unshared_entries(map: Arc<Entries>) -> Table {
    match Arc::try_unwrap(map) {
        Ok(map) => map.table,
        Err(shared) => shared.table.clone(),
    }
}

impl jaq_std::ValT for Jq {
    fn into_seq<S: FromIterator<Self>>(self) -> Result<S, Self> {
        match self.forced() {
            Jq::List(list) => {
                budget::spend(list.items.len());
                Ok(unshared_items(list).into_iter().collect())
            }
            other => Err(other),
        }
    }

    fn is_int(&self) -> bool {
        matches!(self, Jq::Int(_) | Jq::Big(_))
    }

    fn as_isize(&self) -> Option<isize> {
        match self {
            Jq::Int(value) => isize::try_from(*value).ok(),
            _ => None,
        }
    }

    fn as_f64(&self) -> Option<f64> {
        self.number().map(|number| number.to_f64())
    }

    fn is_utf8_str(&self) -> bool {
        matches!(self, Jq::Str(_))
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Jq::Str(text) => {
                budget::spend(1 + text.len() / 64);
                Some(text.as_bytes())
            }
            _ => None,
        }
    }

    fn as_sub_str(&self, sub: &[u8]) -> Self {
        Jq::text(String::from_utf8_lossy(sub))
    }

    fn from_utf8_bytes(bytes: impl AsRef<[u8]> + Send + 'static) -> Self {
        if budget::may_write(bytes.as_ref().len()) {
            Jq::text(String::from_utf8_lossy(bytes.as_ref()))
        } else {
            Jq::Null
        }
    }
}

impl From<bool> for Jq {
    fn from(value: bool) -> Jq {
        Jq::Bool(value)
    }
}

impl From<isize> for Jq {
    fn from(value: isize) -> Jq {
        Jq::Int(value as i64)
    }
}

impl From<usize> for Jq {
    fn from(value: usize) -> Jq {
        Jq::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<f64> for Jq {
    fn from(value: f64) -> Jq {
        Jq::Float(value)
    }
}

impl From<String> for Jq {
    fn from(text: String) -> Jq {
        Jq::text(text)
    }
}

impl From<Range<Jq>> for Jq {
    fn from(range: Range<Jq>) -> Jq {
        let mut entries = Entries::default();
        for (key, bound) in [("start", range.start), ("end", range.end)] {
            if let Some(bound) = bound {
                entries.insert(key.into(), bound);
            }
        }
        Jq::Map(Arc::new(entries))
    }
}

impl FromIterator<Jq> for Jq {
    fn from_iter<I: IntoIterator<Item = Jq>>(items: I) -> Jq {
        let mut collected = Vec::new();
        for item in items {
            if !budget::spend(1) {
                return Jq::Null;
            }
            collected.push(item);
        }
        nested(Jq::list(collected))
    }
}

// === Arithmetic ===

/// Arithmetic on numbers: on integers where both are, else on doubles.
fn combine(
    left: &Number,
    right: &Number,
    integers: fn(i64, i64) -> Option<i64>,
    floats: fn(f64, f64) -> f64,
) -> Jq {
    if let (Some(left), Some(right)) = (left.as_i64(), right.as_i64())
        && let Some(result) = integers(left, right)
    {
        return Jq::Int(result);
    }
    whole_or_float(floats(left.to_f64(), right.to_f64()))
}

fn joined(left: &str, right: &str) -> ValR<Jq> {
    let length = left.len() + right.len();
    if !budget::may_write(length) {
        return Err(stopped());
    }
    spend(length / 64)?;
    Ok(Jq::text([left, right].concat()))
}

impl std::ops::Add for Jq {
    type Output = ValR<Jq>;

    fn add(self, other: Jq) -> ValR<Jq> {
        spend(1)?;
        if let (Some(left), Some(right)) = (self.number(), other.number()) {
            return Ok(combine(
                &left,
                &right,
                |left, right| Some(left.wrapping_add(right)),
                |left, right| left + right,
            ));
        }
        match (self.forced(), other.forced()) {
            (Jq::Null, other) | (other, Jq::Null) => Ok(other),
            (Jq::Str(left), Jq::Str(right)) => joined(&left, &right),
            (Jq::List(mut left), Jq::List(right)) => {
                spend(right.items.len())?;
                if Arc::get_mut(&mut left).is_none() {
                    spend(left.items.len())?;
                }
                let list = Arc::make_mut(&mut left);
                list.depth = list.depth.max(right.depth);
                list.items.extend(right.items.iter().cloned());
                Ok(Jq::List(left))
            }
            (Jq::Map(mut left), Jq::Map(right)) => {
                spend(right.table.len())?;
                if Arc::get_mut(&mut left).is_none() {
                    spend(left.table.len())?;
                }
                let map = Arc::make_mut(&mut left);
                map.depth = map.depth.max(right.depth);
                map.table.extend(
                    right
                        .table
                        .iter()
                        .map(|(key, value)| (Arc::clone(key), value.clone())),
                );
                Ok(Jq::Map(left))
            }
            (left, right) => Err(cannot("added", &left, &right)),
        }
    }
}

impl std::ops::Sub for Jq {
    type Output = ValR<Jq>;

    fn sub(self, other: Jq) -> ValR<Jq> {
        spend(1)?;
        if let (Some(left), Some(right)) = (self.number(), other.number()) {
            return Ok(combine(
                &left,
                &right,
                |left, right| Some(left.wrapping_sub(right)),
                |left, right| left - right,
            ));
        }
        match (self.forced(), other.forced()) {
            (Jq::List(left), Jq::List(right)) => {
                spend(left.items.len().saturating_mul(right.items.len()))?;
                let mut items = unshared_items(left);
                items.retain(|item| !right.items.contains(item));
                Ok(Jq::list(items))
            }
            (left, right) => Err(cannot("subtracted", &left, &right)),
        }
    }
}

impl std::ops::Mul for Jq {
    type Output = ValR<Jq>;

    fn mul(self, other: Jq) -> ValR<Jq> {
        spend(1)?;
        if let (Some(left), Some(right)) = (self.number(), other.number()) {
            return Ok(combine(
                &left,
                &right,
                |left, right| Some(left.wrapping_mul(right)),
                |left, right| left * right,
            ));
        }
        match (self.forced(), other.forced()) {
            (Jq::Str(text), number) | (number, Jq::Str(text)) if number.number().is_some() => {
                let count = number.number().map_or(0.0, |number| number.to_f64());
                if count.is_nan() || count < 1.0 {
                    return Ok(Jq::Null);
                }
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "it is positive"
                )]
                let count = count as usize;
                if !budget::may_write(text.len().saturating_mul(count)) {
                    return Err(stopped());
                }
                Ok(Jq::text(text.repeat(count)))
            }
            (Jq::Map(left), Jq::Map(right)) => merge(left, &right).map(|map| nested(Jq::Map(map))),
            (left, right) => Err(cannot("multiplied", &left, &right)),
        }
    }
}

/// Maps within both are merged, everything else is replaced.
fn merge(mut left: Arc<Entries>, right: &Entries) -> Result<Arc<Entries>, Failure> {
    spend(right.table.len())?;
    let entries = Arc::make_mut(&mut left);
    for (key, value) in &right.table {
        let old = entries.table.get_mut(key).map(std::mem::take);
        let merged = match (old.map(Jq::forced), value.clone().forced()) {
            (Some(Jq::Map(old)), Jq::Map(new)) => Jq::Map(merge(old, &new)?),
            (_, value) => value,
        };
        entries.insert(Arc::clone(key), merged);
    }
    Ok(left)
}

impl std::ops::Div for Jq {
    type Output = ValR<Jq>;

    fn div(self, other: Jq) -> ValR<Jq> {
        spend(1)?;
        match (self.number(), other.number()) {
            (Some(_), Some(right)) if right.to_f64() == 0.0 => {
                Err(cannot("divided because the divisor is zero", &self, &other))
            }
            (Some(left), Some(right)) => Ok(whole_or_float(left.to_f64() / right.to_f64())),
            _ => match (&self, &other) {
                (Jq::Str(left), Jq::Str(right)) => Ok(split(left, right)),
                _ => Err(cannot("divided", &self, &other)),
            },
        }
    }
}

/// A text cut at every separator; an empty one cuts between all characters.
pub(super) fn split(text: &str, separator: &str) -> Jq {
    if text.is_empty() {
        return Jq::list(Vec::new());
    }
    if separator.is_empty() {
        return text
            .chars()
            .map(|unit| Jq::text(unit.to_string()))
            .collect();
    }
    text.split(separator).map(Jq::text).collect()
}

impl std::ops::Rem for Jq {
    type Output = ValR<Jq>;

    fn rem(self, other: Jq) -> ValR<Jq> {
        spend(1)?;
        let (Some(left), Some(right)) = (self.number(), other.number()) else {
            return Err(cannot("divided (remainder)", &self, &other));
        };
        // Both are cut to integers first, and the sign is that of the dividend.
        #[expect(clippy::cast_possible_truncation, reason = "they are cut")]
        let integer = |number: &Number| number.as_i64().unwrap_or_else(|| number.to_f64() as i64);
        match integer(&right) {
            0 => Err(cannot(
                "divided (remainder) because the divisor is zero",
                &self,
                &other,
            )),
            divisor => Ok(Jq::Int(integer(&left).wrapping_rem(divisor.wrapping_abs()))),
        }
    }
}

impl std::ops::Neg for Jq {
    type Output = ValR<Jq>;

    fn neg(self) -> ValR<Jq> {
        spend(1)?;
        match self.number() {
            Some(Number::Int(value)) => Ok(Jq::Int(value.wrapping_neg())),
            Some(number) => Ok(whole_or_float(-number.to_f64())),
            None => Err(Error::typ(self, ops::Math::Sub.as_str())),
        }
    }
}

// === Order ===

fn rank(value: &Jq) -> u8 {
    match value.type_name() {
        "null" => 0,
        "boolean" => 1,
        "number" => 2,
        "string" => 3,
        "array" => 4,
        _ => 5,
    }
}

impl PartialEq for Jq {
    fn eq(&self, other: &Jq) -> bool {
        if !budget::spend(1) || rank(self) != rank(other) {
            return false;
        }
        if let (Some(left), Some(right)) = (self.number(), other.number()) {
            return left.compare(&right) == Some(Ordering::Equal);
        }
        self.cmp(other).is_eq()
    }
}

impl Eq for Jq {}

impl PartialOrd for Jq {
    fn partial_cmp(&self, other: &Jq) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Jq {
    fn cmp(&self, other: &Jq) -> Ordering {
        if !budget::spend(1) {
            return Ordering::Equal;
        }
        let by_rank = rank(self).cmp(&rank(other));
        if by_rank.is_ne() {
            return by_rank;
        }
        if let (Some(left), Some(right)) = (self.number(), other.number()) {
            // Not a number is below all numbers.
            return left
                .compare(&right)
                .unwrap_or_else(|| right.to_f64().is_nan().cmp(&left.to_f64().is_nan()));
        }
        match (self, other) {
            (Jq::Bool(left), Jq::Bool(right)) => left.cmp(right),
            (Jq::Str(left), Jq::Str(right)) => left.cmp(right),
            (Jq::List(left), Jq::List(right)) => left.items.cmp(&right.items),
            (Jq::Map(left), Jq::Map(right)) => compare_maps(left, right),
            (Jq::Lazy(_), _) | (_, Jq::Lazy(_)) => {
                self.clone().forced().cmp(&other.clone().forced())
            }
            _ => Ordering::Equal,
        }
    }
}

/// By their sorted keys first, then by the values under them.
fn compare_maps(left: &Entries, right: &Entries) -> Ordering {
    let sorted = |entries: &Entries| {
        let mut sorted: Vec<(Arc<str>, Jq)> = entries
            .table
            .iter()
            .map(|(key, value)| (Arc::clone(key), value.clone()))
            .collect();
        sorted.sort_by(|left, right| left.0.cmp(&right.0));
        sorted
    };
    let (left, right) = (sorted(left), sorted(right));
    let keys = |entries: &[(Arc<str>, Jq)]| {
        entries
            .iter()
            .map(|(key, _)| Arc::clone(key))
            .collect::<Vec<_>>()
    };
    keys(&left).cmp(&keys(&right)).then_with(|| {
        left.iter()
            .map(|(_, value)| value)
            .cmp(right.iter().map(|(_, value)| value))
    })
}
