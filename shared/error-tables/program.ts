import type { ErrorTable } from './table.ts'

/** What any program meets on its way: its flags, files and folders. */
export const programErrors = {
  usage: { retry: 'never', hint: 'Run the command with --help to see what it takes.' },
  'config-invalid': {
    retry: 'after-fix',
    hint: 'Correct each setting named above where its source says, then start again.',
  },
  'input-invalid': {
    retry: 'after-fix',
    hint: 'Correct the fields named above and try again; nothing was stored.',
  },
  'input-unreadable': {
    retry: 'after-fix',
    hint: 'Give a readable file that holds one JSON object in UTF-8.',
  },
  'database-missing': {
    retry: 'after-fix',
    hint: 'Check --data and the folder you are in; to make a new database there, run `vlt-server migrate` or start the server.',
  },
  'data-folder-unusable': {
    retry: 'after-fix',
    hint: 'Give a folder this user may create and write, with --data.',
  },
  interrupted: { retry: 'never', hint: 'Nothing was done after the interruption.' },
  'permission-denied': { retry: 'after-fix', hint: 'Run as the user that owns the data folder.' },
} as const satisfies ErrorTable
