// Merkle checks the Merkle part of a Hoeksteen log with packages that its makers did not write: the Go project's golang.org/x/mod/sumdb/note and
// sumdb/tlog, the code behind Go's own checksum database. What stands here reads files and asks those packages. docs/regulator.md explains it.
//
//	merkle -key KEY [-witness KEY]... bundle BUNDLE
//	merkle -key KEY [-witness KEY]... tiles DIRECTORY
//	merkle -key KEY [-witness KEY]... consistent OLD NEW DIRECTORY
//
// A KEY is a verifier key, or a file that holds one. OLD and NEW are checkpoints, or bundles, whose checkpoint is taken. Exit status 0: all is as it
// must be; 1: not; 2: wrong use.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8 // of C2SP's tiles: 256 hashes

// keys are those that the reader trusts: of the log, and of each witness.
type keys struct {
	log       note.Verifier
	witnesses []note.Verifier
}

// cosigner verifies a witness's cosignature (c2sp.org/tlog-cosignature), a kind of signature that the package note leaves to its users.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }
func (c cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	signed := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(signature), text)
	return ed25519.Verify(c.key, []byte(signed), signature[8:])
}

// bundle is what of an evidence bundle is read here; docs/evidence.md describes it whole.
type bundle struct {
	Checkpoint string
	First      int64
	Leaves     [][]byte
	Proof      [][]byte
	Bodies     map[string][]byte
	Facts      []struct {
		Index      int64
		Leaf, Body []byte
		Proof      [][]byte
	}
}

type span struct{ low, high int64 }

func main() {
	var logKey string
	var witnessKeys []string
	flag.StringVar(&logKey, "key", "", "the log's verifier key, or a file that holds it")
	flag.Func("witness", "the verifier key of a witness that must have cosigned, or a file that holds it; may be repeated", func(given string) error {
		witnessKeys = append(witnessKeys, given)
		return nil
	})
	flag.Parse()
	wanted := map[string]int{"bundle": 2, "tiles": 2, "consistent": 4}
	if logKey == "" || flag.NArg() == 0 || wanted[flag.Arg(0)] != flag.NArg() {
		fmt.Fprintln(os.Stderr, "merkle -key KEY [-witness KEY]... bundle BUNDLE | tiles DIRECTORY | consistent OLD NEW DIRECTORY")
		os.Exit(2)
	}
	known, err := readKeys(logKey, witnessKeys)
	if err == nil {
		switch flag.Arg(0) {
		case "bundle":
			err = checkBundle(known, flag.Arg(1))
		case "tiles":
			err = checkTiles(known, flag.Arg(1))
		case "consistent":
			err = checkConsistent(known, flag.Arg(1), flag.Arg(2), flag.Arg(3))
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "NOT OK:", err)
		os.Exit(1)
	}
	fmt.Println("OK")
}

func say(label, format string, values ...any) {
	fmt.Printf("%-12s%s\n", label, fmt.Sprintf(format, values...))
}

func readKeys(logKey string, witnessKeys []string) (keys, error) {
	log, err := note.NewVerifier(keyText(logKey))
	if err != nil {
		return keys{}, fmt.Errorf("the log's key: %w", err)
	}
	known := keys{log: log}
	for _, given := range witnessKeys {
		witness, err := newCosigner(keyText(given))
		if err != nil {
			return keys{}, err
		}
		known.witnesses = append(known.witnesses, witness)
	}
	return known, nil
}

// keyText gives a key as it stands, or the content of the file that is named.
func keyText(given string) string {
	if content, err := os.ReadFile(given); err == nil {
		given = string(content)
	} else if strings.Count(given, "+") < 2 {
		fmt.Fprintln(os.Stderr, "NOT OK: there is neither a key nor a file named", given)
		os.Exit(1)
	}
	return strings.TrimSpace(given)
}

func newCosigner(text string) (note.Verifier, error) {
	parts := strings.SplitN(text, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("a witness's key is <name>+<hash>+<base64>")
	}
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(raw) != 1+ed25519.PublicKeySize || raw[0] != 4 {
		return nil, fmt.Errorf("the key of %q is no cosigner's (type 4)", parts[0])
	}
	digest := sha256.Sum256(append([]byte(parts[0]+"\n"), raw...))
	hash := binary.BigEndian.Uint32(digest[:4])
	if fmt.Sprintf("%08x", hash) != parts[1] {
		return nil, fmt.Errorf("the key of %q has another hash than it says", parts[0])
	}
	return cosigner{parts[0], hash, raw[1:]}, nil
}

// openNote verifies a signed note with the package note, and gives the tree that it states.
func openNote(known keys, label string, raw []byte) (tlog.Tree, error) {
	opened, err := note.Open(raw, note.VerifierList(append([]note.Verifier{known.log}, known.witnesses...)...))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 {
		return tlog.Tree{}, errors.New("the note is no checkpoint")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 {
		return tlog.Tree{}, errors.New("the checkpoint states no size")
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return tlog.Tree{}, err
	}
	say(label, "%s, %d records", lines[0], size)
	say("root", "%s", root)
	return tlog.Tree{N: size, Hash: root}, requireSigned(known, opened)
}

func requireSigned(known keys, opened *note.Note) error {
	type signer struct {
		name string
		hash uint32
	}
	missing := map[signer]bool{{known.log.Name(), known.log.KeyHash()}: true}
	for _, witness := range known.witnesses {
		missing[signer{witness.Name(), witness.KeyHash()}] = true
	}
	for _, signature := range opened.Sigs {
		delete(missing, signer{signature.Name, signature.Hash})
		if signature.Name == known.log.Name() && signature.Hash == known.log.KeyHash() {
			say("signed by", "%s", signature.Name)
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(signature.Base64)
		if err != nil {
			return err
		}
		at := time.Unix(int64(binary.BigEndian.Uint64(raw[4:12])), 0).UTC()
		say("cosigned by", "%s at %s", signature.Name, at.Format("2006-01-02 15:04:05 UTC"))
	}
	for one := range missing {
		return fmt.Errorf("no signature of %s", one.name)
	}
	return nil
}

// checkpointIn gives a file's checkpoint: the file itself, or, where it is a bundle, what stands in it.
func checkpointIn(file string) ([]byte, error) {
	raw, err := os.ReadFile(file)
	if err != nil || !bytes.HasPrefix(raw, []byte("{")) {
		return raw, err
	}
	var read bundle
	err = json.Unmarshal(raw, &read)
	return []byte(read.Checkpoint), err
}

func checkBundle(known keys, file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var read bundle
	if err := json.Unmarshal(raw, &read); err != nil {
		return err
	}
	tree, err := openNote(known, "note", []byte(read.Checkpoint))
	if err != nil {
		return err
	}
	if err := checkLeaves(tree, read); err != nil {
		return err
	}
	for _, fact := range read.Facts {
		proof, err := hashes(fact.Proof)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, fact.Index, tlog.RecordHash(fact.Leaf)); err != nil {
			return fmt.Errorf("record %d: %w", fact.Index, err)
		}
		if err := checkBody(fact.Leaf, fact.Body); err != nil {
			return fmt.Errorf("record %d: %w", fact.Index, err)
		}
	}
	say("facts", "%d records, the inclusion proof of each checked", len(read.Facts))
	for text, body := range read.Bodies {
		index, err := strconv.ParseInt(text, 10, 64)
		if err != nil || index < read.First || index >= read.First+int64(len(read.Leaves)) {
			return fmt.Errorf("the body %q belongs to no leaf", text)
		}
		if err := checkBody(read.Leaves[index-read.First], body); err != nil {
			return fmt.Errorf("record %d: %w", index, err)
		}
	}
	say("bodies", "%d opened, each has the hash that its record names", len(read.Bodies))
	return nil
}

// checkLeaves builds an inclusion proof of each leaf from the range proof, and has tlog check it. tlog alone judges: a mistake made here in
// building a proof could refuse a good leaf, never pass a false one.
func checkLeaves(tree tlog.Tree, read bundle) error {
	count := int64(len(read.Leaves))
	if count == 0 {
		say("leaves", "none")
		return nil
	}
	last := read.First + count
	if read.First < 0 || last > tree.N {
		return errors.New("the leaves lie outside the tree")
	}
	rest, err := hashes(read.Proof)
	if err != nil {
		return err
	}
	nodes := map[span]tlog.Hash{}
	var build func(low, high int64) (tlog.Hash, error)
	build = func(low, high int64) (tlog.Hash, error) {
		var made tlog.Hash
		switch {
		case high <= read.First || low >= last:
			if len(rest) == 0 {
				return made, errors.New("the range proof lacks a hash")
			}
			made, rest = rest[0], rest[1:]
		case high-low == 1:
			made = tlog.RecordHash(read.Leaves[low-read.First])
		default:
			left, err := build(low, middle(low, high))
			if err != nil {
				return made, err
			}
			right, err := build(middle(low, high), high)
			if err != nil {
				return made, err
			}
			made = tlog.NodeHash(left, right)
		}
		nodes[span{low, high}] = made
		return made, nil
	}
	if _, err := build(0, tree.N); err != nil {
		return err
	}
	if len(rest) > 0 {
		return errors.New("the range proof has a hash too many")
	}
	for i, leaf := range read.Leaves {
		index := read.First + int64(i)
		if err := tlog.CheckRecord(proofOf(nodes, tree.N, index), tree.N, tree.Hash, index, tlog.RecordHash(leaf)); err != nil {
			return fmt.Errorf("record %d: %w", index, err)
		}
	}
	say("leaves", "%d records, %d to %d, the inclusion proof of each checked", count, read.First, last-1)
	return nil
}

// proofOf gives the audit path of a leaf: the hash beside each node on the way, from the leaf upward.
func proofOf(nodes map[span]tlog.Hash, size, index int64) tlog.RecordProof {
	var downward []tlog.Hash
	for low, high := int64(0), size; high-low > 1; {
		if at := middle(low, high); index < at {
			downward, high = append(downward, nodes[span{at, high}]), at
		} else {
			downward, low = append(downward, nodes[span{low, at}]), at
		}
	}
	upward := make(tlog.RecordProof, 0, len(downward))
	for i := len(downward) - 1; i >= 0; i-- {
		upward = append(upward, downward[i])
	}
	return upward
}

// middle splits a span as RFC 6962 does: the left part is the largest power of two below its length.
func middle(low, high int64) int64 {
	half := int64(1)
	for half*2 < high-low {
		half *= 2
	}
	return low + half
}

func checkBody(leaf, body []byte) error {
	var read struct{ Body []byte }
	if err := json.Unmarshal(leaf, &read); err != nil {
		return err
	}
	if digest := sha256.Sum256(body); !bytes.Equal(digest[:], read.Body) {
		return errors.New("the body has another hash than the record names")
	}
	return nil
}

func hashes(raw [][]byte) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(raw))
	for i, one := range raw {
		if copy(found[i][:], one) != tlog.HashSize || len(one) != tlog.HashSize {
			return nil, errors.New("a hash of a proof has not 32 bytes")
		}
	}
	return found, nil
}

// directory reads the tiles of a copied log for tlog.TileHashReader, which checks each of them against the signed root.
type directory string

func (d directory) Height() int                     { return height }
func (d directory) SaveTiles([]tlog.Tile, [][]byte) {}

func (d directory) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(tiles))
	for i, tile := range tiles {
		raw, err := d.read(tile, fmt.Sprintf("tile/%d/%d/", height, tile.L), fmt.Sprintf("tile/%d/", tile.L))
		if err != nil {
			return nil, err
		}
		if len(raw) < tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s is too short", tile.Path())
		}
		found[i] = raw[:tile.W*tlog.HashSize]
	}
	return found, nil
}

// read gives a tile's file. C2SP leaves the height out of the path; a full tile may stand in for a partial one.
func (d directory) read(tile tlog.Tile, ours, theirs string) ([]byte, error) {
	exact := strings.Replace(tile.Path(), ours, theirs, 1)
	raw, err := os.ReadFile(filepath.Join(string(d), exact))
	if errors.Is(err, os.ErrNotExist) {
		tile.W = 1 << height
		raw, err = os.ReadFile(filepath.Join(string(d), strings.Replace(tile.Path(), ours, theirs, 1)))
	}
	return raw, err
}

// entries gives the records of one entry bundle, each of which stands after its length (two bytes, big-endian).
func (d directory) entries(number int64, width int) ([][]byte, error) {
	tile := tlog.Tile{H: height, L: 0, N: number, W: width}
	raw, err := d.read(tile, fmt.Sprintf("tile/%d/0/", height), "tile/entries/")
	if err != nil {
		return nil, err
	}
	var found [][]byte
	for len(raw) > 0 && len(found) < width {
		if len(raw) < 2 || len(raw) < 2+int(binary.BigEndian.Uint16(raw)) {
			return nil, fmt.Errorf("entry bundle %d ends in the middle of a record", number)
		}
		end := 2 + int(binary.BigEndian.Uint16(raw))
		found, raw = append(found, raw[2:end]), raw[end:]
	}
	if len(found) < width {
		return nil, fmt.Errorf("entry bundle %d has fewer records than it must", number)
	}
	return found, nil
}

func checkTiles(known keys, folder string) error {
	raw, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := openNote(known, "note", raw)
	if err != nil || tree.N == 0 {
		return err
	}
	reader := tlog.TileHashReader(tree, directory(folder))
	for first := int64(0); first < tree.N; first += 1 << height {
		var indexes []int64
		for index := first; index < tree.N && index < first+1<<height; index++ {
			indexes = append(indexes, tlog.StoredHashIndex(0, index))
		}
		found, err := reader.ReadHashes(indexes)
		if err != nil {
			return fmt.Errorf("tile %d: %w", first>>height, err)
		}
		records, err := directory(folder).entries(first>>height, len(indexes))
		if err != nil {
			return err
		}
		for i, record := range records {
			if tlog.RecordHash(record) != found[i] {
				return fmt.Errorf("record %d is not the one that the tree holds", first+int64(i))
			}
		}
	}
	say("tiles", "read by sumdb/tlog, each bound to the root")
	say("entries", "%d records, each has the hash that its tile holds", tree.N)
	return nil
}

func checkConsistent(known keys, oldFile, newFile, folder string) error {
	var trees [2]tlog.Tree
	for i, file := range []string{oldFile, newFile} {
		raw, err := checkpointIn(file)
		if err != nil {
			return err
		}
		if trees[i], err = openNote(known, []string{"old note", "new note"}[i], raw); err != nil {
			return err
		}
	}
	earlier, later := trees[0], trees[1]
	if earlier.N == 0 || later.N < earlier.N {
		return errors.New("give the older checkpoint first; one of an empty log says nothing")
	}
	proof, err := tlog.ProveTree(later.N, earlier.N, tlog.TileHashReader(later, directory(folder)))
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, later.N, later.Hash, earlier.N, earlier.Hash); err != nil {
		return fmt.Errorf("the old tree is not the beginning of the new one: %w", err)
	}
	say("consistent", "the old tree is the beginning of the new one (%d hashes)", len(proof))
	return nil
}
