/** The objects of the interface, by the names that its description gives them. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Slice = Record<string, string>;
export type Alert = Schemas["Alert"];
export type Arm = Schemas["Arm"];
export type Behaviour = Schemas["Behaviour"];
export type BehaviourPart = Schemas["Portion"];
export type Belief = Schemas["Belief"];
export type Calibration = Schemas["Calibration"];
export type Decision = Schemas["Decision"];
export type Delivery = Schemas["Delivery"];
export type Entry = Schemas["Entry"];
export type Experiment = Schemas["Experiment"];
export type FreezeWindow = Schemas["FreezeWindow"];
export type Held = Schemas["Held"];
/** `acknowledged_*` are added to what is stored when it is told. */
export type Incident = Schemas["Incident"] & { acknowledged_by?: string | null; acknowledged_at?: string | null };
export type Intervention = Schemas["Intervention"];
export type Key = Schemas["Key"];
export type KillSwitch = Schemas["Told"];
export type Lost = Schemas["Lost"];
export type Me = Schemas["Me"];
export type Memory = Schemas["Memory"];
export type Payment = Schemas["Payment"];
export type Pending = Schemas["Pending"];
export type Policy = Schemas["Policy"];
export type ProblemBody = Schemas["Problem"];
export type Role = Schemas["Role"];
export type Rollout = Schemas["Rollout"];
export type RouteRow = Schemas["RouteRow"];
export type Routes = Schemas["Routes"];
export type Series = Schemas["Series"];
export type SeriesPoint = Schemas["Point"];
export type Settings = Schemas["Settings"];
export type Share = Schemas["Share"];
export type TimelinePoint = Schemas["TimelinePoint"];
