/** Which page an address is. */
import { lazy, Suspense, useState } from "react";
import { Redirect, Route, Switch } from "wouter";

import { Problem } from "./api/client";
import { useMe } from "./api/queries";
import { Live } from "./live/live";
import { Page } from "./parts/basic";
import { Empty, Loading } from "./parts/states";
import { useIsDemo } from "./shell/demo";
import { Shell } from "./shell/shell";
import { SignIn } from "./pages/sign-in";
import { Health } from "./pages/health";

const PerformanceMap = lazy(() => import("./pages/map"));
const Incidents = lazy(() => import("./pages/incidents"));
const OneIncident = lazy(() => import("./pages/incident"));
const Actions = lazy(() => import("./pages/actions"));
const OneAction = lazy(() => import("./pages/action"));
const Learning = lazy(() => import("./pages/learning"));
const Decisions = lazy(() => import("./pages/decisions"));
const Routing = lazy(() => import("./pages/routing"));
const SettingsPage = lazy(() => import("./pages/settings"));
const Break = lazy(() => import("./pages/break"));

export function App() {
  const me = useMe();
  const isDemo = useIsDemo();
  // The stream begins anew with another key.
  const [epoch, setEpoch] = useState(0);
  const isStranger = me.error instanceof Problem && me.error.status === 401;
  if (isStranger) return <SignIn onDone={() => setEpoch((n) => n + 1)} />;
  return (
    <Live epoch={epoch}>
      <Shell isDemo={isDemo}>
        <Suspense fallback={<Loading rows={6} />}>
          <Switch>
            <Route path="/">
              <Redirect to="/health" replace />
            </Route>
            <Route path="/health" component={Health} />
            <Route path="/map" component={PerformanceMap} />
            <Route path="/incidents" component={Incidents} />
            <Route path="/incidents/:id">{({ id }) => <OneIncident id={id} key={id} />}</Route>
            <Route path="/actions" component={Actions} />
            <Route path="/actions/:id">{({ id }) => <OneAction id={id} key={id} />}</Route>
            <Route path="/learning" component={Learning} />
            <Route path="/decisions" component={Decisions} />
            <Route path="/routing" component={Routing} />
            <Route path="/settings" component={SettingsPage} />
            <Route path="/break" component={Break} />
            <Route path="/sign-in">
              <SignIn onDone={() => setEpoch((n) => n + 1)} />
            </Route>
            <Route>
              <Page title="No such page">
                <Empty title="There is nothing at this address.">The list of pages is at the side, or press Ctrl K.</Empty>
              </Page>
            </Route>
          </Switch>
        </Suspense>
      </Shell>
    </Live>
  );
}
