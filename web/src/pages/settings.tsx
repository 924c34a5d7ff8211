/** Page 8: what the operator may do, who may change that, who is told, and what was changed. */
import { Tabs } from "radix-ui";

import { Page } from "../parts/basic";
import { useParam } from "../view/params";
import { Alerts, Channels, Silences } from "./settings/alerting";
import { Audit } from "./settings/audit";
import { Freezes } from "./settings/freezes";
import { Gateways } from "./settings/gateways";
import { Keys } from "./settings/keys";
import { Limits } from "./settings/limits";
import { Modes } from "./settings/modes";
import { Pending } from "./settings/pending";
import { Users } from "./settings/users";

export default function SettingsPage() {
  const [tab, setTab] = useParam("tab", "operator");
  return (
    <Page title="Settings" lead="What the operator may do, who may change that, and what was changed.">
      <Tabs.Root value={tab} onValueChange={setTab}>
        <Tabs.List className="tabs" aria-label="Settings">
          <Tabs.Trigger value="operator">Operator</Tabs.Trigger>
          <Tabs.Trigger value="people">Users and keys</Tabs.Trigger>
          <Tabs.Trigger value="alerts">Alerts</Tabs.Trigger>
          <Tabs.Trigger value="audit">Audit log</Tabs.Trigger>
        </Tabs.List>
        <Tabs.Content value="operator" className="tab-body">
          <Pending />
          <div className="columns">
            <Modes />
            <Freezes />
          </div>
          <Limits />
          <Gateways />
        </Tabs.Content>
        <Tabs.Content value="people" className="tab-body">
          <Users />
          <Keys />
        </Tabs.Content>
        <Tabs.Content value="alerts" className="tab-body">
          <Alerts />
          <Silences />
          <Channels />
        </Tabs.Content>
        <Tabs.Content value="audit" className="tab-body">
          <Audit />
        </Tabs.Content>
      </Tabs.Root>
    </Page>
  );
}
