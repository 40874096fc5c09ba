"""A path -> the signs in its name that what is there is a copy, a backup, or no longer the valid one.

Programs that copy files, editors and people write such names in their own language.  The words stand in
folder and file names alike, as whole words; the signs are those of editors, browsers and file managers.
"""

from __future__ import annotations

import re

WORDS = {
    "English": "copy copies duplicate backup backups bak old older orig draft drafts superseded obsolete",
    "German": "kopie kopien sicherung sicherungskopie alt alte alter entwurf veraltet",
    "French": "copie copies sauvegarde sauvegardes ancien ancienne vieux brouillon",
    "Spanish": "copia copias respaldo antiguo antigua viejo vieja borrador",
    "Italian": "vecchio vecchia bozza",
    "Portuguese": "cópia cópias copia rascunho antigo antiga",
    "Dutch": "kopie reservekopie oud oude",
    "Scandinavian": "kopi kopia kopio gammal gammel gamle utkast luonnos vanha",
    "Polish": "kopia kopie zapasowa stary stara szkic",
    "Czech": "kopie záloha starý stará koncept",
    "Hungarian": "másolat régi piszkozat",
    "Turkish": "kopya yedek eski taslak",
    "Russian": "копия копии резервная старый старая старое черновик",
    "Ukrainian": "копія резервна старий стара чернетка",
    "Greek": "αντίγραφο παλιό πρόχειρο",
}
COPY_WORDS = frozenset(word for words in WORDS.values() for word in words.split())
SIGNS = (
    r"~(?=$|/)",  # an editor's backup
    r"\(\d{1,3}\)(?=[^/]*$)",  # a second download
    r"(?<=\.)(?:save|swp|rej)(?=$|/)",
    "副本|复件|複製|复制|备份|草稿",
    "コピー|複写|バックアップ|下書き",
    "복사본|백업|초안",
    "نسخة",
)
COPY_SIGNS = re.compile("|".join(SIGNS))


def copy_signs(path: str) -> int:
    """A path -> how many of them it has.

    >>> [copy_signs(p) for p in ("notes.txt", "notes - Copy (2).txt", "Backup/notes.txt~", "copyright")]
    [0, 2, 2, 0]
    """
    words = re.findall(r"[^\W\d_]+", path.casefold())
    return sum(word in COPY_WORDS for word in words) + len(COPY_SIGNS.findall(path))
