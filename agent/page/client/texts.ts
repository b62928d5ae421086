/** Every word of the page but the consents. Spanish first; whoever adds a word adds it twice or does not compile. */
import type { Language, ScreenName } from '../protocol.ts'
import type { Act } from './layouts.ts'
import type { Complaint, DocumentType, Field } from './steps.ts'

export interface Said {
  title: string
  text: string
  /** What to do now. */
  next: string
}

/** Screens that the page shows of itself, beside those the agent names. */
export type Outcome = Exclude<ScreenName, 'idle' | 'waiting'> | 'no-reader'

export interface Words {
  title: string
  other: string
  welcome: string
  welcomeText: string
  newClient: string
  returning: string
  checkCard: string
  operator: string
  offline: string
  back: string
  leave: string
  next: string
  skip: string
  optional: string
  step: (step: number, of: number) => string
  ask: Record<Field, string>
  label: Record<Field, string>
  hint: Partial<Record<Field, string>>
  documentType: string
  documents: Record<DocumentType, string>
  review: string
  change: string
  empty: string
  consents: string
  ready: string
  complaints: Record<Complaint, string>
  failures: Record<'busy' | 'invalid' | 'unreachable' | 'cannot-store' | 'failed', string>
  /** A card was read while the form is open. */
  tooEarly: string
  tap: string
  tapText: string
  cancel: string
  outcomes: Record<Outcome, Said>
  code: string
  done: string
  stillThere: string
  stillThereText: (seconds: number) => string
  stay: string
  closed: string
  closedText: string
  keyboard: string
  keys: Record<Act, string>
  space: string
}

export const texts: Record<Language, Words> = {
  es: {
    title: 'Registro de tarjetas',
    other: 'English',
    welcome: 'Registra tu tarjeta',
    welcomeText: 'Toma un minuto. Ten a mano tu código de cliente VLT y tu documento.',
    newClient: 'Quiero registrarme',
    returning: 'Ya soy cliente: tengo otra tarjeta',
    checkCard: '¿Ya tienes tarjeta? Acércala al lector para saber si está activa.',
    operator: 'Personal',
    offline: 'Sin conexión: tu registro se guarda aquí y se envía solo.',
    back: 'Atrás',
    leave: 'Salir',
    next: 'Continuar',
    skip: 'Omitir',
    optional: 'opcional',
    step: (step, of) => `Paso ${String(step)} de ${String(of)}`,
    ask: {
      codigoClienteVLT: '¿Cuál es tu código de cliente VLT?',
      dni: '¿Cuál es tu documento?',
      nombre: '¿Cuáles son tus nombres?',
      apellidoPaterno: '¿Cuál es tu apellido paterno?',
      apellidoMaterno: '¿Cuál es tu apellido materno?',
      correo: '¿Cuál es tu correo electrónico?',
      telefono: '¿Cuál es tu celular?',
      fechaNacimiento: '¿Cuándo naciste?',
    },
    label: {
      codigoClienteVLT: 'Código de cliente VLT',
      dni: 'Número de documento',
      nombre: 'Nombres',
      apellidoPaterno: 'Apellido paterno',
      apellidoMaterno: 'Apellido materno',
      correo: 'Correo electrónico',
      telefono: 'Celular',
      fechaNacimiento: 'Fecha de nacimiento',
    },
    hint: {
      codigoClienteVLT: 'Solo números. Te lo dio el personal.',
      nombre: 'Como en tu documento.',
      apellidoPaterno: 'Como en tu documento.',
      apellidoMaterno: 'Déjalo vacío si no tienes.',
      telefono: 'Para avisarte si hay un problema con tu tarjeta.',
      fechaNacimiento: 'Día, mes y año: 23/04/1995.',
    },
    documentType: 'Tipo de documento',
    documents: { dni: 'DNI', ce: 'Carné ext.', passport: 'Pasaporte' },
    review: 'Revisa tus datos',
    change: 'Cambiar',
    empty: 'sin dato',
    consents: '¿Quieres recibir mensajes?',
    ready: 'Continuar a la tarjeta',
    complaints: {
      missing: 'Falta este dato. Escríbelo para continuar.',
      codigo: 'El código tiene solo números. Revísalo en tu comprobante.',
      dni: 'El DNI tiene 8 números. Revisa si falta o sobra alguno.',
      ce: 'El carné de extranjería tiene de 9 a 12 letras o números.',
      passport: 'El pasaporte tiene de 5 a 20 letras o números.',
      name: 'Escribe el nombre con letras, sin números.',
      email: 'Revisa el correo: debe ser como nombre@correo.com.',
      phone: 'Escribe el celular con 9 números, o déjalo vacío.',
      date: 'Esa fecha no existe. Escribe día, mes y año: 23/04/1995.',
      future: 'Esa fecha es futura. Revisa el año.',
    },
    failures: {
      busy: 'El lector está ocupado con otra persona. Espera un momento y toca otra vez.',
      invalid: 'Revisa este dato: no se pudo aceptar.',
      unreachable: 'El quiosco no responde. Espera un momento y toca otra vez.',
      'cannot-store': 'El equipo no puede guardar datos ahora. Avisa al personal.',
      failed: 'Algo falló. Toca otra vez o avisa al personal.',
    },
    tooEarly: 'Aún no: primero completa tus datos. Luego acercas la tarjeta.',
    tap: 'Acerca tu tarjeta',
    tapText: 'Ponla sobre el lector, sin moverla, hasta ver la señal.',
    cancel: 'Cancelar',
    outcomes: {
      registered: {
        title: 'Listo',
        text: 'Tu tarjeta ya está activa.',
        next: 'Retira tu tarjeta. Ya puedes jugar.',
      },
      saved: {
        title: 'Guardado',
        text: 'Tu registro está guardado aquí y se enviará solo. Aún no está confirmado.',
        next: 'Retira tu tarjeta y anota este código.',
      },
      'card-added': {
        title: 'Tarjeta nueva lista',
        text: 'Ya eras cliente: esta tarjeta reemplaza a la anterior.',
        next: 'Usa solo esta tarjeta.',
      },
      'already-yours': {
        title: 'Ya era tuya',
        text: 'Esta tarjeta ya estaba a tu nombre. No se cambió nada.',
        next: 'Retira tu tarjeta: puedes usarla.',
      },
      'card-taken': {
        title: 'Tarjeta de otra persona',
        text: 'Esta tarjeta ya tiene dueño. No se cambió nada.',
        next: 'Pide otra tarjeta en caja.',
      },
      duplicate: {
        title: 'Tarjeta ya registrada',
        text: 'Esta tarjeta se registró antes. No se cambió nada.',
        next: 'Si no es tuya, pide otra en caja.',
      },
      rejected: {
        title: 'No se pudo registrar',
        text: 'Tu tarjeta no quedó registrada.',
        next: 'Habla con el personal y muestra este código.',
      },
      'cannot-store': {
        title: 'Ahora no podemos registrar',
        text: 'El equipo no puede guardar datos. No se guardó nada.',
        next: 'Avisa al personal.',
      },
      expired: {
        title: 'Se acabó el tiempo',
        text: 'No se acercó ninguna tarjeta. No se guardó nada.',
        next: 'Empieza otra vez cuando quieras.',
      },
      random: {
        title: 'Usa la tarjeta, no el teléfono',
        text: 'El número de un teléfono cambia cada vez. No se guardó nada.',
        next: 'Acerca la tarjeta misma.',
      },
      unclear: {
        title: 'No se leyó bien',
        text: 'No se guardó nada.',
        next: 'Acerca una sola tarjeta, sin moverla.',
      },
      unclaimed: {
        title: 'Tarjeta leída',
        text: 'Ahora no se puede saber si está activa. No se guardó nada.',
        next: 'Para registrarla, toca Terminar y luego Quiero registrarme.',
      },
      'card-active': { title: 'Tarjeta activa', text: 'Esta tarjeta funciona.', next: 'Ya puedes usarla.' },
      'card-inactive': {
        title: 'Tarjeta no activa',
        text: 'Otra tarjeta tomó su lugar.',
        next: 'Usa tu tarjeta más reciente o pregunta al personal.',
      },
      'card-unknown': {
        title: 'Tarjeta sin registrar',
        text: 'Esta tarjeta todavía no es de nadie.',
        next: 'Toca Terminar y luego Quiero registrarme.',
      },
      'no-reader': {
        title: 'El lector no responde',
        text: 'Tus datos no se han guardado.',
        next: 'Avisa al personal. Seguimos solos cuando vuelva.',
      },
    },
    code: 'Tu código',
    done: 'Terminar',
    stillThere: '¿Sigues ahí?',
    stillThereText: (seconds) => `Borraremos lo que escribiste en ${String(seconds)} segundos.`,
    stay: 'Sí, sigo aquí',
    closed: 'Fuera de servicio',
    closedText:
      'El quiosco está reiniciando. Lo que ya se guardó está a salvo. Si no vuelve, avisa al personal.',
    keyboard: 'Teclado',
    keys: {
      shift: 'Mayúsculas',
      accent: 'Acento para la siguiente letra',
      erase: 'Borrar',
      back: 'Atrás',
      next: 'Continuar',
      digits: 'Números y signos',
      letters: 'Letras',
    },
    space: 'espacio',
  },
  en: {
    title: 'Card registration',
    other: 'Español',
    welcome: 'Register your card',
    welcomeText: 'It takes a minute. Have your VLT client number and your document at hand.',
    newClient: 'I want to register',
    returning: 'I am a client: I have another card',
    checkCard: 'Have a card already? Hold it to the reader to see whether it is active.',
    operator: 'Staff',
    offline: 'Offline: your registration is saved here and sends itself.',
    back: 'Back',
    leave: 'Leave',
    next: 'Continue',
    skip: 'Skip',
    optional: 'optional',
    step: (step, of) => `Step ${String(step)} of ${String(of)}`,
    ask: {
      codigoClienteVLT: 'What is your VLT client number?',
      dni: 'What is your document?',
      nombre: 'What is your first name?',
      apellidoPaterno: 'What is your father’s last name?',
      apellidoMaterno: 'What is your mother’s last name?',
      correo: 'What is your email address?',
      telefono: 'What is your mobile number?',
      fechaNacimiento: 'When were you born?',
    },
    label: {
      codigoClienteVLT: 'VLT client number',
      dni: 'Document number',
      nombre: 'First name(s)',
      apellidoPaterno: 'Father’s last name',
      apellidoMaterno: 'Mother’s last name',
      correo: 'Email address',
      telefono: 'Mobile',
      fechaNacimiento: 'Birth date',
    },
    hint: {
      codigoClienteVLT: 'Digits only. The staff gave it to you.',
      nombre: 'As in your document.',
      apellidoPaterno: 'As in your document.',
      apellidoMaterno: 'Leave it empty if you have none.',
      telefono: 'To tell you if there is a problem with your card.',
      fechaNacimiento: 'Day, month and year: 23/04/1995.',
    },
    documentType: 'Kind of document',
    documents: { dni: 'DNI', ce: 'Foreigner', passport: 'Passport' },
    review: 'Check your data',
    change: 'Change',
    empty: 'none',
    consents: 'Do you want to receive messages?',
    ready: 'On to the card',
    complaints: {
      missing: 'This is missing. Type it to continue.',
      codigo: 'The number has digits only. Check it on your slip.',
      dni: 'A DNI has 8 digits. See whether one is missing or too many.',
      ce: 'A foreigner card has 9 to 12 letters or digits.',
      passport: 'A passport has 5 to 20 letters or digits.',
      name: 'Type the name in letters, without digits.',
      email: 'Check the address: it looks like name@mail.com.',
      phone: 'Type the mobile number with 9 digits, or leave it empty.',
      date: 'There is no such date. Type day, month and year: 23/04/1995.',
      future: 'That date is to come. Check the year.',
    },
    failures: {
      busy: 'The reader is busy with somebody else. Wait a moment and touch again.',
      invalid: 'Check this: it could not be accepted.',
      unreachable: 'The kiosk does not answer. Wait a moment and touch again.',
      'cannot-store': 'This machine cannot store anything now. Please tell the staff.',
      failed: 'Something failed. Touch again or tell the staff.',
    },
    tooEarly: 'Not yet: complete your data first. Then hold the card to the reader.',
    tap: 'Hold your card to the reader',
    tapText: 'Keep it there, without moving it, until you see the sign.',
    cancel: 'Cancel',
    outcomes: {
      registered: { title: 'Done', text: 'Your card is active.', next: 'Take your card. You can play now.' },
      saved: {
        title: 'Saved',
        text: 'Your registration is saved here and sends itself. It is not confirmed yet.',
        next: 'Take your card and note this code.',
      },
      'card-added': {
        title: 'New card ready',
        text: 'You were a client already: this card replaces the one before.',
        next: 'Use only this card.',
      },
      'already-yours': {
        title: 'It was yours already',
        text: 'This card was in your name before. Nothing was changed.',
        next: 'Take your card: you can use it.',
      },
      'card-taken': {
        title: 'Somebody else’s card',
        text: 'This card has an owner. Nothing was changed.',
        next: 'Ask for another card at the counter.',
      },
      duplicate: {
        title: 'Card already registered',
        text: 'This card was registered before. Nothing was changed.',
        next: 'If it is not yours, ask for another one.',
      },
      rejected: {
        title: 'Not registered',
        text: 'Your card was not registered.',
        next: 'Talk to the staff and show this code.',
      },
      'cannot-store': {
        title: 'We cannot register now',
        text: 'This machine cannot store anything. Nothing was saved.',
        next: 'Please tell the staff.',
      },
      expired: {
        title: 'Time is up',
        text: 'No card was held to the reader. Nothing was saved.',
        next: 'Start again whenever you like.',
      },
      random: {
        title: 'Use the card, not the phone',
        text: 'The number of a phone changes each time. Nothing was saved.',
        next: 'Hold the card itself to the reader.',
      },
      unclear: {
        title: 'Not read well',
        text: 'Nothing was saved.',
        next: 'Hold one card to the reader, without moving it.',
      },
      unclaimed: {
        title: 'Card read',
        text: 'Whether it is active cannot be told now. Nothing was saved.',
        next: 'To register it, touch Finish, then I want to register.',
      },
      'card-active': { title: 'Card active', text: 'This card works.', next: 'You can use it.' },
      'card-inactive': {
        title: 'Card not active',
        text: 'Another card has taken its place.',
        next: 'Use your latest card, or ask the staff.',
      },
      'card-unknown': {
        title: 'Card not registered',
        text: 'This card is nobody’s yet.',
        next: 'Touch Finish, then I want to register.',
      },
      'no-reader': {
        title: 'The reader does not answer',
        text: 'Your data was not saved.',
        next: 'Please tell the staff. We go on once it is back.',
      },
    },
    code: 'Your code',
    done: 'Finish',
    stillThere: 'Are you still there?',
    stillThereText: (seconds) => `What you typed is deleted in ${String(seconds)} seconds.`,
    stay: 'Yes, I am here',
    closed: 'Out of service',
    closedText: 'The kiosk is restarting. What was saved is safe. If it does not come back, tell the staff.',
    keyboard: 'Keyboard',
    keys: {
      shift: 'Capitals',
      accent: 'Accent for the next letter',
      erase: 'Delete',
      back: 'Back',
      next: 'Continue',
      digits: 'Digits and signs',
      letters: 'Letters',
    },
    space: 'space',
  },
}
