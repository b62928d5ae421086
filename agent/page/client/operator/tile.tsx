import type { ComponentChildren } from 'preact'
import type { OperatorView } from '../../operator/view.ts'
import { Icon, type IconName } from '../icons.tsx'
import type { OperatorWords } from './texts.ts'

/** Sends something to the agent, whose answer is the new view. */
export type Act = (path: string, body?: unknown) => () => Promise<void>
export interface TileProps {
  view: OperatorView
  said: OperatorWords
  act: Act
}

export function Tile({
  icon,
  title,
  children,
}: {
  icon: IconName
  title: string
  children: ComponentChildren
}) {
  return (
    <section>
      <h2>
        <Icon name={icon} /> {title}
      </h2>
      {children}
    </section>
  )
}

/** Good and bad are said by a word, and by a colour for who sees it. */
export function State({ good, children }: { good: boolean; children: ComponentChildren }) {
  return <strong class={good ? 'well' : 'ill'}>{children}</strong>
}
