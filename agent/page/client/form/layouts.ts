/** Keyboards. A key is the text it types, or one of the named ones; `span` is its width in columns. */

export type Act = 'shift' | 'accent' | 'erase' | 'back' | 'next' | 'digits' | 'letters'
export type Key = { type: string; span: number } | { act: Act; span: number; rows?: number }

export type Keyboard = 'pad' | 'letters' | 'email' | 'mixed'
export interface Layout {
  columns: number
  rows: Key[][]
}

const typing = (texts: string, span = 1): Key[] => texts.split(' ').map((type) => ({ type, span }))
const act = (name: Act, span = 1, rows = 1): Key => ({ act: name, span, rows })
const space = (span: number): Key => ({ type: ' ', span })

const firstRow = typing('q w e r t y u i o p')
const digits = typing('1 2 3 4 5 6 7 8 9 0')
const back = act('back', 2)
const next = act('next', 3)

export const layouts: Record<Keyboard | 'emailDigits', Layout> = {
  pad: {
    columns: 8,
    rows: [
      [...typing('1 2 3', 2), act('erase', 2, 2)],
      [...typing('4 5 6', 2)],
      [...typing('7 8 9', 2), act('back', 2)],
      [{ type: '0', span: 5 }, act('next', 3)],
    ],
  },
  letters: {
    columns: 10,
    rows: [
      firstRow,
      typing('a s d f g h j k l ñ'),
      [act('shift'), ...typing('z x c v b n m'), act('accent'), act('erase')],
      [back, ...typing("'"), space(3), ...typing('-'), next],
    ],
  },
  email: {
    columns: 10,
    rows: [
      firstRow,
      typing('a s d f g h j k l -'),
      [act('digits'), ...typing('z x c v b n m .'), act('erase')],
      [back, ...typing('@'), ...typing('@gmail.com @hotmail.com', 2), next],
    ],
  },
  emailDigits: {
    columns: 10,
    rows: [
      digits,
      typing("_ + ' # % & = ! ~ -"),
      [act('letters', 2), ...typing('@yahoo.com @outlook.com .pe', 2), ...typing('.'), act('erase')],
      [back, ...typing('@'), ...typing('@gmail.com @hotmail.com', 2), next],
    ],
  },
  // Documents have no other signs: all on one plane, and nothing to switch.
  mixed: {
    columns: 10,
    rows: [
      digits,
      firstRow,
      [...typing('a s d f g h j k l'), act('erase')],
      [act('back'), ...typing('z x c v b n m'), act('next', 2)],
    ],
  },
}

const accents: Record<string, string> = { a: 'á', e: 'é', i: 'í', o: 'ó', u: 'ú', n: 'ñ', y: 'ü' }

/** What a key types under shift and accent. */
export function typed(text: string, { shift, accent }: { shift: boolean; accent: boolean }): string {
  const letter = accent ? (accents[text] ?? text) : text
  return shift ? letter.toLocaleUpperCase('es') : letter
}
