import { useMemo } from 'preact/hooks'
import { Attention } from './attention.tsx'
import { FlowPicture } from './flow-picture.tsx'
import { LagChart } from './lag-chart.tsx'
import { PageHeader, StaleBanner } from './page-header.tsx'
import { type PageState, type SentLook, staleSinceMs } from './page-state.ts'
import { Parked } from './parked.tsx'
import { clockText } from './quantities.ts'
import { ServicesTable } from './services-table.tsx'
import { TokenForm } from './token-form.tsx'
import { WalChart } from './wal-chart.tsx'

interface AppProps {
  readonly state: PageState
  readonly scheme: 'light' | 'dark'
  readonly giveToken: (token: string) => void
}

export function App({ giveToken, scheme, state }: AppProps) {
  const { connection, look } = state
  const isStale = staleSinceMs(state) !== null
  return (
    <>
      <a class="skip" href="#main">
        To the content
      </a>
      <PageHeader state={state} />
      <main id="main" class={isStale ? 'stale' : ''} tabIndex={-1}>
        <StaleBanner state={state} />
        {connection.kind === 'locked' ? (
          <TokenForm isWrong={connection.isWrong} given={giveToken} />
        ) : look === null ? (
          <p class="first">{connection.kind === 'live' ? 'Looking …' : 'Waiting for the first look.'}</p>
        ) : (
          <Looked look={look} state={state} scheme={scheme} />
        )}
      </main>
      <footer class="foot">
        {look === null ? null : (
          <p>
            Looked at {clockText(look.atMs)}, in {Math.round(look.tookMs)} ms. This page changes nothing.
          </p>
        )}
      </footer>
    </>
  )
}

interface LookedProps extends Pick<AppProps, 'state' | 'scheme'> {
  readonly look: SentLook
}

function Looked({ look, scheme, state: { series } }: LookedProps) {
  const { services } = look.report
  const joined = services.map(({ service }) => service).join('\n')
  const names = useMemo(() => joined.split('\n'), [joined])
  return (
    <>
      <Attention look={look} />
      <FlowPicture report={look.report} series={series} />
      <ServicesTable services={services} />
      <div class="charts">
        <LagChart series={series} names={names} scheme={scheme} />
        <WalChart look={look} series={series} scheme={scheme} />
      </div>
      <Parked services={services} />
    </>
  )
}
