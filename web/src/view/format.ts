/** Numbers, money and times, for the reader's locale. */
const locale = typeof navigator === "undefined" ? "en-GB" : navigator.language;

const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const twoDigits = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
const compact = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });
const parts = new Intl.NumberFormat(locale, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const wholeParts = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });

/** What isn't known. */
export const NONE = "–";

type Maybe<T> = T | null | undefined;

const given = <T>(value: Maybe<T>, tell: (value: T) => string): string =>
  value === null || value === undefined ? NONE : tell(value);

/** What rounds to nothing has no sign. */
const signless = (value: number) => (Math.abs(value) < 0.5 ? 0 : value);

/** A minus that is one, as wide as a digit. */
const minus = (text: string) => text.replace("-", "−");

export const count = (value: Maybe<number>) => given(value, (v) => minus(whole.format(signless(v))));
export const rough = (value: Maybe<number>) => given(value, (v) => minus(Math.abs(v) < 10_000 ? whole.format(signless(v)) : compact.format(v)));
export const perSecond = (value: Maybe<number>) => given(value, (v) => oneDigit.format(v));
export const number = (value: Maybe<number>) => given(value, (v) => twoDigits.format(v));
export const percent = (value: Maybe<number>) => given(value, (v) => parts.format(v));
export const share = (value: Maybe<number>) => given(value, (v) => wholeParts.format(v));
export const confidence = (value: Maybe<number>) => given(value, (v) => v.toFixed(2));

/** How sure the intervals of the page are, as the reader writes shares. */
export const SURE = wholeParts.format(0.95);

/** An e-value runs over orders of magnitude. */
export const evidence = (value: Maybe<number>) =>
  given(value, (v) => (v !== 0 && (v >= 10_000 || v < 0.01) ? v.toExponential(1) : twoDigits.format(v)));

/** Percentage points, with their sign. */
export const points = (value: Maybe<number>) =>
  given(value, (v) => {
    const text = oneDigit.format(Math.abs(v * 100));
    const tenths = signless(v * 1_000);
    const sign = tenths === 0 ? "" : tenths < 0 ? "−" : "+";
    return `${sign}${text} pt`;
  });

export const milliseconds = (value: Maybe<number>) =>
  given(value, (v) => (v < 1_000 ? `${whole.format(v)} ms` : `${oneDigit.format(v / 1_000)} s`));

type Money = { exact: Intl.NumberFormat; whole: Intl.NumberFormat; compact: Intl.NumberFormat; digits: number };

const moneys = new Map<string, Money>();

/** Minor units of a currency: to the unit it is counted in where it is little, rounded where it is much. */
export function money(minor: Maybe<number>, currency: string): string {
  return given(minor, (value) => {
    let known = moneys.get(currency);
    if (known === undefined) {
      const exact = new Intl.NumberFormat(locale, { style: "currency", currency });
      const whole = new Intl.NumberFormat(locale, { style: "currency", currency, maximumFractionDigits: 0 });
      const compact = new Intl.NumberFormat(locale, { style: "currency", currency, notation: "compact", minimumFractionDigits: 0, maximumFractionDigits: 1 });
      known = { exact, whole, compact, digits: exact.resolvedOptions().maximumFractionDigits ?? 2 };
      moneys.set(currency, known);
    }
    const units = value / 10 ** known.digits;
    const size = Math.abs(units);
    return minus((size < 100 ? known.exact : size < 10_000 ? known.whole : known.compact).format(units));
  });
}

/** How long, in its two largest units. */
export function span(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1_000));
  if (s < 60) return `${s} s`;
  if (s < 3_600) return s % 60 === 0 ? `${s / 60} min` : `${Math.floor(s / 60)} min ${s % 60} s`;
  const minutes = Math.round(s / 60);
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const time = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const utcTime = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  timeZone: "UTC",
});
const day = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });

export const localTime = (at: number) => time.format(at);
export const inUtc = (at: number) => `${utcTime.format(at)} UTC`;

const minute = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });

/** On an axis whose ticks are so many seconds apart. */
export const axisTime = (at: number, step_s: number) => (step_s < 60 ? time : step_s < 86_400 ? minute : day).format(at);

/** With its day, unless that is today's. */
export function localMoment(at: number, now: number): string {
  return new Date(at).toDateString() === new Date(now).toDateString() ? time.format(at) : `${day.format(at)}, ${time.format(at)}`;
}

/** When the reader's day began, as the interface takes it. */
export function midnight(now: number): string {
  const day = new Date(now);
  day.setHours(0, 0, 0, 0);
  return day.toISOString();
}

/** For a tooltip: both zones, to the second. */
export function bothZones(at: number): string {
  const utc = new Date(at).toISOString().replace("T", " ").slice(0, 19);
  return `${day.format(at)}, ${time.format(at)} local; ${utc} UTC`;
}
