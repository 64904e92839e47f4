/* Who lives, and who may act: a replica to which everything can happen, and another one that is well.
 * See 0006-postgresql-decides-who-lives.md.
 *
 * Time goes in ticks of about two seconds. A timer fires at its tick: the clock stands still until it has. Only a
 * frozen replica has no timers. What is sent to the server may be applied late or never, and its answer may be lost.
 * Each symbol that the test defines takes one rule away; the verifier must find what goes wrong then.
 */
#ifndef FENCE
#define FENCE 3     /* the replica stops its work this long after it sent the last renewal that succeeded */
#endif
#ifndef SILENT
#define SILENT 4    /* it may be evicted this long after its row was renewed, if nobody holds its lock */
#endif
#define SESSION 5   /* the server ends its session, and frees its lock, this long after the last statement */
#define LONGEST 6
#define COUNT(age) age = (age < LONGEST -> age + 1 : age)
#define LAST 3      /* attempt of the run */

bool member;                /* has its row in `replicas` */
bool locked;                /* has a session that holds its lock */
byte row_age;               /* since the row was renewed, by the server's clock */
byte session_age;           /* since the last statement of the session */
bool sent;                  /* a renewal is on its way */
byte sent_age;
byte own_age;               /* since the last renewal that succeeded was sent, by the replica's clock */
bool frozen;
bool woken;                 /* it goes on, and its timers have not fired yet */
bool cut;                   /* nothing passes between the replica and the server */
bool jumped;                /* the server's clock was set forward */

byte attempt, other;        /* the attempt of the run at which the replica works, and the other one; 0: none */
byte attempts, newest;      /* attempts that were begun, and the newest one that has acted at the runner */

#define SPEAKS (!frozen && !cut)
#define MUST_STOP (!frozen && attempt && own_age >= FENCE)
#define MUST_END (locked && session_age >= SESSION)
#ifdef WITHOUT_LOCK
#define IS_FREE true
#else
#define IS_FREE !locked
#endif
/* Two are at work only until a frozen one has noticed it; until then the runner compares the attempts. */
#define ALONE assert(frozen || woken || !attempt || !other)

inline act(mine) {
#ifdef WITHOUT_ATTEMPT
    assert(mine >= newest);
#endif
    newest = (mine > newest -> mine : newest)
}

active proctype clock() {
    do
    :: atomic { !MUST_STOP && !MUST_END ->
           COUNT(row_age); COUNT(session_age); COUNT(own_age); woken = false;
           if :: sent -> COUNT(sent_age) :: else fi }
    od
}

active proctype server() {
    do
    :: atomic { MUST_END -> locked = false }
    :: atomic { locked && !jumped -> locked = false }           /* the connection is lost */
    :: atomic { sent ->
           sent = false;
           if
           :: member -> row_age = 0; session_age = 0;
               if
               :: SPEAKS -> own_age = sent_age; locked = true
               :: true                                          /* the answer is lost */
               fi
           :: true                                              /* the statement is lost */
           fi; sent_age = 0 }
    od
}

active proctype replica() {
    do
    :: atomic { SPEAKS && member && !sent -> sent = true }                                      /* renews */
    :: atomic { MUST_STOP -> attempt = 0 }                                                      /* watches itself */
    :: atomic { SPEAKS && !member && attempt -> attempt = 0 }                                   /* was evicted */
    :: atomic { SPEAKS && !member && !attempt && !sent ->                                       /* joins */
           member = true; locked = true; row_age = 0; session_age = 0; own_age = 0 }
    :: atomic { SPEAKS && member && own_age < FENCE && !attempt && !other && attempts < LAST -> /* claims */
           attempts++; attempt = attempts; ALONE }
    :: atomic { !frozen && attempt -> act(attempt) }
    od
}

active proctype other_replica() {
    do
    :: atomic { member && row_age >= SILENT && IS_FREE -> member = false; locked = false; ALONE }   /* evicts */
    :: atomic { !other && !(attempt && member) && attempts < LAST ->                                /* claims */
           attempts++; other = attempts; ALONE }
    :: atomic { other -> act(other) }
    :: atomic { other -> other = 0 }                                                                /* ends */
    od
}

active proctype nemesis() {
    do
    :: !frozen -> frozen = true
    :: atomic { frozen -> frozen = false; woken = true }
    :: cut = !cut
    :: atomic { !jumped && locked -> jumped = true; row_age = LONGEST }
    od
}
