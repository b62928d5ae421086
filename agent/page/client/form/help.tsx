interface HelpProps {
  id: string
  /** What is wrong with the field. */
  complaint: string | undefined
  /** Something that happened beside the form. */
  remark?: string | undefined
  /** How to fill it in. */
  children: string
}

/** One line below a field: whatever matters most of the three. */
export function Help({ id, complaint, remark, children }: HelpProps) {
  if (complaint === undefined && remark !== undefined) return <Remark id={id}>{remark}</Remark>
  const isWrong = complaint !== undefined
  return (
    <p id={id} class={isWrong ? 'complaint' : 'hint'} role={isWrong ? 'alert' : undefined}>
      {complaint ?? children}
    </p>
  )
}

export function Remark({ id, children }: { id?: string; children: string | undefined }) {
  if (children === undefined) return null
  return (
    <p id={id} class="strip" role="status">
      {children}
    </p>
  )
}
