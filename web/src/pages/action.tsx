/** One intervention and its experiment. */
import { useQuery } from "@tanstack/react-query";

import { api, told } from "../api/client";
import { useExperiments } from "../api/queries";
import { Badge, Page, Panel, To } from "../parts/basic";
import { Empty, Shown } from "../parts/states";
import { evidence, share } from "../view/format";
import { inWords } from "../view/slice";
import { Converging } from "./converging";
import { Doing, headline } from "./doing";

export default function OneAction({ id }: { id: string }) {
  const one = useQuery({
    queryKey: ["interventions", "one", id],
    queryFn: () => told(api.GET("/v1/interventions/{id}", { params: { path: { id } } })),
  });
  return (
    <Page
      title={one.data === undefined ? `Action ${id}` : headline(one.data)}
      {...(one.data === undefined ? {} : { lead: inWords(one.data.slice) })}
      tools={<To href="/actions">All actions</To>}
    >
      <Shown query={one} rows={6}>
        {(intervention) => (
          <>
            <Doing intervention={intervention} />
            <Panel title="Experiment">
              <Test interventionId={id} />
            </Panel>
          </>
        )}
      </Shown>
    </Page>
  );
}

function Test({ interventionId }: { interventionId: string }) {
  const experiments = useExperiments({ limit: 100 });
  const own = experiments.data?.data.find((x) => x.intervention_id === interventionId);
  if (own === undefined) return <Empty title="No experiment goes with it" />;
  return (
    <>
      <div className="facts">
        <Badge state={own.verdict} />
        <span>{own.id}</span>
        <span>{share(own.allocation)} moved now</span>
      </div>
      <Converging experiment={own.id} />
      <dl className="facts">
        {Object.entries(own.e_values).map(([name, value]) => (
          <div key={name}>
            <dt>e {name}</dt>
            <dd>{evidence(value)}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}
